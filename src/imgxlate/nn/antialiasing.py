"""Anti-aliased sampling (arXiv 1904.11486, Sec. 3.2): a blur before positions are dropped, or after they are added.

The filters are buffers, because files of the originals hold them.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

from imgxlate.nn.stages import Local, Stage
from imgxlate.nn.upsampling import pad


class BlurredDownsampling(nn.Module):
    """Blur with a 3x3 filter, and keep every second row and column."""

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", _blur((1, 2, 1), channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, ceil(H / 2), ceil(W / 2)); H and W are at least 2."""
        padded = pad(x, 1, "reflect")
        if (padded.is_cuda or padded.requires_grad) and not torch.compiler.is_compiling():
            y: Tensor = _Blur.apply(*_operands(padded, self.filt), 0)  # type: ignore[no-untyped-call]
            return y
        return functional.conv2d(padded, self.filt, stride=2, groups=len(self.filt))

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands. The height must be even."""
        return [Local(self, len(self.filt), reach=1, stride=2, products=9 * len(self.filt))]


class BlurredUpsampling(nn.Module):
    """Double height and width, and interpolate with a 4x4 filter."""

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Of four neighboring positions of the output, each position of the input is in one.
        self.register_buffer("filt", 4 * _blur((1, 3, 3, 1), channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, 2 H, 2 W)."""
        padded = pad(x, 1, "replicate")
        if padded.is_cuda and not torch.compiler.is_compiling():
            size = torch.Size((*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3]))
            y: Tensor = _TransposedBlur.apply(*_operands(padded, self.filt), size, 3)  # type: ignore[no-untyped-call]
            return y
        return functional.conv_transpose2d(padded, self.filt, stride=2, padding=3, groups=len(self.filt))

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        return [Local(self, len(self.filt), reach=1, scale=2, products=4 * len(self.filt))]


def _blur(weights: Sequence[int], channels: int) -> Tensor:
    """(C, 1, K, K): for each channel the same filter, whose weights along an axis are `weights`, and whose sum is 1."""
    line = torch.tensor(weights, dtype=torch.float32)
    kernel = torch.outer(line, line) / line.sum().square()
    return kernel.repeat(channels, 1, 1, 1)


class _Blur(torch.autograd.Function):
    """Convolve each channel of (B, C, H, W) with its own filter of (C, 1, K, K), with a stride of 2.

    The filters are constants. For torch they are not: in a gradient of a gradient, as for the R1 penalty, it also
    computes the gradient by the filters, with one convolution for each channel.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, filt: Tensor, padding: int) -> Tensor:
        ctx.save_for_backward(filt)
        ctx.size, ctx.padding = x.shape, padding
        return functional.conv2d(_planar(x), filt, stride=2, padding=padding, groups=len(filt))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        [gradient], [filt] = gradients, ctx.saved_tensors
        return _TransposedBlur.apply(gradient, filt, ctx.size, ctx.padding), None, None  # type: ignore[no-untyped-call]


class _TransposedBlur(torch.autograd.Function):
    """The gradient of `_Blur` by its input of `size`. Its own gradient is `_Blur`."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, filt: Tensor, size: torch.Size, padding: int) -> Tensor:
        ctx.save_for_backward(filt)
        ctx.padding = padding
        x: Tensor = conv2d_input(size, filt, _planar(y), stride=2, padding=padding, groups=len(filt))  # type: ignore[no-untyped-call]
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        [gradient], [filt] = gradients, ctx.saved_tensors
        return _Blur.apply(gradient, filt, ctx.padding), None, None, None  # type: ignore[no-untyped-call]


def _operands(x: Tensor, filt: Tensor) -> tuple[Tensor, Tensor]:
    """Images and filters in the dtype of products, for `_Blur` and `_TransposedBlur`."""
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    return x.to(dtype), filt.to(dtype, memory_format=torch.contiguous_format if x.is_cuda else torch.preserve_format)


def _planar(x: Tensor) -> Tensor:
    """On CUDA, the same values in planes of one channel. In another layout, torch takes slow kernels of cuDNN."""
    return x.contiguous() if x.is_cuda else x
