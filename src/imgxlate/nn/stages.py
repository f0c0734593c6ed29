"""Networks as sequences of stages, so that an image of any size can be computed in bands of rows.

A convolution needs a few rows above and below a band. A norm needs the mean and the variance of every channel over the
whole map. A description states this for each stage of a network, and `imgxlate.nn.passes` computes it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

_PIECE = 1 << 18  # values that are summed at once on a CPU: they stay in its cache
_LEAST_CHANNELS = 5  # A convolution of fewer channels takes about as long.


@dataclass(frozen=True, slots=True)
class Local:
    """A layer whose output at a position depends on the input near that position. It does not change its input.

    Output rows `a` to `b` depend on the input rows `a * stride / scale - reach` to `b * stride / scale + reach`.
    It pads its input in its own way, and maps H rows to H * scale / stride.
    """

    compute: Callable[[Tensor], Tensor]  # (1, C, H, W) to (1, C', H scale / stride, W scale / stride)
    channels: int  # of the output
    reach: int = 0  # input rows
    stride: int = 1  # input rows for an output row
    scale: int = 1  # output rows for an input row
    products: int = 0  # multiplications for a position of the output, or those that take as long


@dataclass(frozen=True, slots=True)
class Affine:
    """(x - center) * scale + shift, for each channel (C,). The values may be on any device."""

    center: Tensor
    scale: Tensor
    shift: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Map (1, C, H, W)."""
        center, scale, shift = (values.to(x.device, torch.float32) for values in (self.center, self.scale, self.shift))
        return functional.batch_norm(
            x, center, torch.ones_like(center), scale, shift, training=False, eps=torch.finfo(x.dtype).tiny
        )


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and squared deviations of each channel of a map (1, C, H, W), in float64 on the CPU.

    `joined` computes those of a map from those of its parts.
    """

    count: int  # positions
    mean: Tensor  # (C,)
    deviations: Tensor  # (C,): the sum of the squared differences from the mean

    @classmethod
    def of(cls, x: Tensor) -> Self:
        """The moments of (1, C, H, W)."""
        rows = x.permute(0, 2, 3, 1).flatten(0, 2)  # (H W, C)
        count, channels = rows.shape
        pieces = torch.split(rows, max(_PIECE // channels, 1) if x.device.type == "cpu" else count)
        origin = pieces[0].mean(0)  # Without it, the sum of squares would cancel if the mean is large.
        sums = torch.zeros((2, channels), dtype=torch.float64)
        for piece in pieces:
            centered = piece - origin
            first = centered.sum(0)
            sums += torch.stack([first, centered.square_().sum(0)]).cpu()
        first, second = sums
        return cls(count, origin.cpu().double() + first / count, second - first.square() / count)

    def joined(self, other: "Moments | None") -> "Moments":
        """The moments of both parts together (Chan, Golub and LeVeque 1979); None has no positions."""
        if other is None:
            return self
        count = self.count + other.count
        difference = other.mean - self.mean
        return Moments(
            count,
            self.mean + difference * (other.count / count),
            self.deviations + other.deviations + difference.square() * (self.count * other.count / count),
        )

    def pooled(self) -> tuple[Tensor, Tensor]:
        """Mean and sum of the squared differences from it over all channels, without axes."""
        mean = self.mean.mean()
        return mean, self.deviations.sum() + self.count * (self.mean - mean).square().sum()


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """A norm over all positions of a map, given by its scale and shift for a map of certain moments."""

    affine: Callable[[Moments], Affine]


@dataclass(frozen=True, slots=True)
class Residual:
    """Stages whose output is added to their input."""

    stages: "Sequence[Stage]"


Stage = Local | Norm | Residual


def stages_of(modules: Iterable[Any]) -> list[Stage]:
    """The stages of modules that follow each other, each of which has a method `stages`."""
    return [stage for module in modules for stage in module.stages()]


def convolution(layer: nn.Conv2d | nn.ConvTranspose2d, padding: int, compute: Callable[[Tensor], Tensor]) -> Local:
    """The description of a convolution with `padding` positions at each side; `compute` pads and convolves."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    channels_in, channels_out = (max(count, _LEAST_CHANNELS) for count in (layer.in_channels, layer.out_channels))
    products = channels_in * channels_out * layer.kernel_size[0] ** 2
    stride = layer.stride[0]
    if transposed:
        return Local(compute, layer.out_channels, padding, scale=stride, products=products // stride**2)
    return Local(compute, layer.out_channels, padding, stride, products=products)


def pointwise(compute: Callable[[Tensor], Tensor], channels: int) -> Local:
    """The description of a layer that maps each position by itself, such as an activation."""
    return Local(compute, channels)
