"""Normalisation layers of the translation networks, under the originals' parameter names."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn.kinds import NormKind
from imgxlate.nn.precision import at_least_float32

EPSILON = 1e-5


def instance_norm(x: Tensor) -> Tensor:
    """Give each channel of each picture (B, C, H, W) mean 0 and variance 1 over its positions; in float32 at least."""
    x = at_least_float32(x)
    # Centred first: in channels-last layout group_norm takes E[x^2] - E[x]^2, which cancels where the mean is large.
    centred = x - x.mean((2, 3), keepdim=True)
    return functional.group_norm(centred, x.shape[1], eps=EPSILON)


class InstanceNorm(nn.Module):
    """Instance normalisation (arXiv 1607.08022), with a scale and a shift a channel where `affine`."""

    def __init__(self, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W); H W must exceed 1."""
        x = instance_norm(x)
        if self.weight is None or self.bias is None:
            return x
        return x * self.weight[:, None, None] + self.bias[:, None, None]


class AdaptiveInstanceNorm(nn.Module):
    """Instance normalisation whose scale and shift come from a style code."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The originals' files hold these two; no computation reads them.
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, adain: Tensor) -> Tensor:
        """Normalise (B, C, H, W) with `adain` (B, 2, C): the shift of each channel, then its scale."""
        shift, scale = adain[:, :, :, None, None].unbind(1)
        # Adaptive instance normalisation (MUNIT, Eq. 7).
        return instance_norm(x) * scale + shift


class LayerNorm(nn.Module):
    """Layer normalisation over (C, H, W) as MUNIT's code has it.

    It divides by the unbiased deviation plus epsilon, where `nn.GroupNorm(1, C)` divides by sqrt(variance + epsilon).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each picture of (B, C, H, W); in float32 at least."""
        x = at_least_float32(x)
        count = x[0].numel()
        # Means go over positions first: reducing all axes at once is slow in channels-last layout.
        centred = x - x.mean((2, 3), keepdim=True).mean(1, keepdim=True)
        variance = centred.square().mean((2, 3), keepdim=True).mean(1, keepdim=True) * (count / (count - 1))
        return centred / (variance.sqrt() + EPSILON) * self.gamma[:, None, None] + self.beta[:, None, None]


def make_norm(kind: NormKind, channels: int) -> nn.Module:
    """The normalisation layer of that kind; a batch norm uses its running statistics in evaluation mode."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "none":
        return nn.Identity()
    return InstanceNorm(channels, affine=kind == "instance_affine")
