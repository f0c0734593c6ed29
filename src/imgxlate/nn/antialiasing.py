"""Anti-aliased sampling (arXiv 1904.11486, Sec. 3.2): a blur before positions are dropped, or after they are added.

The filters are buffers, because files of the originals hold them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

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
        return functional.conv2d(pad(x, 1, "reflect"), self.filt, stride=2, groups=len(self.filt))

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
        return functional.conv_transpose2d(padded, self.filt, stride=2, padding=3, groups=len(self.filt))

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        return [Local(self, len(self.filt), reach=1, scale=2, products=4 * len(self.filt))]


def _blur(weights: Sequence[int], channels: int) -> Tensor:
    """(C, 1, K, K): for each channel the same filter, whose weights along an axis are `weights`, and whose sum is 1."""
    line = torch.tensor(weights, dtype=torch.float32)
    kernel = torch.outer(line, line) / line.sum().square()
    return kernel.repeat(channels, 1, 1, 1)
