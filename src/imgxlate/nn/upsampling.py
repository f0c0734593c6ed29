"""A 5x5 convolution after nearest-neighbor upsampling, without computing the upsampled image.

Upsampling repeats every position 2 x 2 times, so the 25 weights of an output position multiply only 3 x 3 different
values. Summing the weights of equal values gives one 3x3 kernel for each of the 2 x 2 positions of a repeated square:
the same sums in another order, with 9 products instead of 25.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn import Padding
from imgxlate.nn.convolution import convolve
from imgxlate.nn.precision import without_autocast

_MODES: dict[Padding, str] = {"reflect": "reflect", "replicate": "replicate", "zero": "constant"}


def pad(x: Tensor, width: int, kind: Padding) -> Tensor:
    """Pad (B, C, H, W) by `width` positions on all four sides; reflection needs H and W above `width`."""
    if kind == "replicate" and torch.compiler.is_compiling():
        # The compiler fails on the memory layout of the gradient of torch's own padding.
        return _replicated(_replicated(x, width, 2), width, 3)
    return functional.pad(x, (width, width, width, width), mode=_MODES[kind])


def _replicated(x: Tensor, width: int, axis: int) -> Tensor:
    first, last = x.narrow(axis, 0, 1), x.narrow(axis, -1, 1)
    return torch.cat([first] * width + [x] + [last] * width, axis)


def convolve_upsampled(x: Tensor, convolution: nn.Conv2d, kind: Padding) -> Tensor:
    """Upsample (B, C, H, W) twofold, pad by 2 and apply a 5x5 convolution to O channels: gives (B, O, 2 H, 2 W).

    Reflection needs H and W of at least 2.
    """
    # In a border of zeros or repeated edges, values come in pairs; in a border of reflections they do not.
    padded = pad(x, 1, "zero" if kind == "zero" else "replicate")
    bias = None if convolution.bias is None else convolution.bias.repeat_interleave(4)
    y = functional.pixel_shuffle(convolve(padded, _folded(convolution.weight), bias), 2)
    if kind == "reflect":
        _correct_reflection(y, x, convolution.weight)
    return y


def _folded(weight: Tensor) -> Tensor:
    """(O, C, 5, 5) to (4 O, C, 3, 3), in the order that `pixel_shuffle` takes."""
    folding = _folding(weight)
    with without_autocast(weight.device):
        kernels = torch.einsum("pik,qjl,ockl->opqcij", folding, folding, weight)
    layout = torch.channels_last if weight.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    return kernels.flatten(0, 2).contiguous(memory_format=layout)


def _folding(like: Tensor) -> Tensor:
    """(2, 3, 5): 1 where a weight of a row multiplies the previous, the same or the next value, else 0.

    It is computed on the device, since a CUDA graph copies nothing from the processor. At even positions the 5 weights
    multiply the values 0, 0, 1, 1, 2, at odd ones 0, 1, 1, 2, 2.
    """
    phase, value, weight = (torch.arange(size, device=like.device) for size in (2, 3, 5))
    return ((phase[:, None, None] + weight) // 2 == value[:, None]).to(like.dtype)


def _correct_reflection(y: Tensor, x: Tensor, weight: Tensor) -> None:
    """Correct `y`, which was convolved with a border of repeated edges, for a border of reflections.

    The two borders differ only in the outer of their two positions. It affects only the outermost rows and columns of
    `y`, by the outermost weights: the correction is a convolution of the difference along one axis.
    """
    y[:, :, :1] += functional.conv2d(_row_difference(x[:, :, :1], x[:, :, 1:2]), weight[:, :, :1])
    y[:, :, -1:] += functional.conv2d(_row_difference(x[:, :, -1:], x[:, :, -2:-1]), weight[:, :, -1:])
    y[..., :1] += functional.conv2d(_column_difference(x[..., :1], x[..., 1:2]), weight[..., :1])
    y[..., -1:] += functional.conv2d(_column_difference(x[..., -1:], x[..., -2:-1]), weight[..., -1:])


def _row_difference(edge: Tensor, inner: Tensor) -> Tensor:
    """The outermost row of the upsampled image's border, reflected minus repeated: (B, C, 1, 2 W + 4).

    `edge` and `inner` (B, C, 1, W) are the image's outermost row and the next.
    """
    repeated, reflected = edge.repeat_interleave(2, 3), inner.repeat_interleave(2, 3)
    return functional.pad(reflected, (2, 2, 0, 0), mode="reflect") - functional.pad(
        repeated, (2, 2, 0, 0), mode="replicate"
    )


def _column_difference(edge: Tensor, inner: Tensor) -> Tensor:
    """The same for a column: (B, C, 2 H + 4, 1). Its corners are 0, because the rows contain them."""
    difference = (inner - edge).repeat_interleave(2, 2)
    return functional.pad(functional.pad(difference, (0, 0, 1, 1), mode="replicate"), (0, 0, 1, 1))
