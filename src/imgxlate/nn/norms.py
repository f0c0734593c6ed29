"""Normalisation layers of the translation networks, under the originals' parameter names."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn import NormKind
from imgxlate.nn.precision import at_least_float32

EPSILON = 1e-5


def instance_norm(x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
    """Give each channel of each picture in (B, C, H, W) mean 0 and variance 1 over its positions.

    Then multiply by `scale` and add `shift` (B, C), both or none. Computes in float32 at least; the result has the
    precision of `x`. H W must exceed 1.
    """
    if x.requires_grad or x.dtype is torch.bfloat16:
        return _one_by_one(x, scale, shift)
    # Centred first: in channels-last layout group_norm takes E[x^2] - E[x]^2, which cancels where the mean is large.
    centred = x - x.mean((2, 3), keepdim=True)
    y = functional.group_norm(centred, x.shape[1], eps=EPSILON)
    return y if scale is None or shift is None else y * scale[:, :, None, None] + shift[:, :, None, None]


def _one_by_one(x: Tensor, scale: Tensor | None, shift: Tensor | None) -> Tensor:
    """`instance_norm` as batch norms of one picture each: in channels-last layout their backward is far faster."""
    if scale is None or shift is None:
        # In bfloat16, batch_norm keeps its statistics as precise as its parameters.
        ones = x.new_ones(x.shape[:2], dtype=at_least_float32(x[:0]).dtype)
        scale, shift = ones, torch.zeros_like(ones)
    pictures = [
        functional.batch_norm(picture, None, None, picture_scale, picture_shift, training=True, eps=EPSILON)
        for picture, picture_scale, picture_shift in zip(torch.split(x, 1), scale, shift, strict=True)
    ]
    return pictures[0] if len(pictures) == 1 else torch.cat(pictures)


class InstanceNorm(nn.Module):
    """Instance normalisation (arXiv 1607.08022), with a scale and a shift a channel where `affine`."""

    def __init__(self, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W); H W must exceed 1."""
        if self.weight is None or self.bias is None:
            return instance_norm(x)
        return instance_norm(x, self.weight.expand(len(x), -1), self.bias.expand(len(x), -1))


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
        shift, scale = adain.unbind(1)
        # Adaptive instance normalisation (MUNIT, Eq. 7).
        return instance_norm(x, scale, shift)


class LayerNorm(nn.Module):
    """Layer normalisation over (C, H, W) as MUNIT's code has it.

    It divides by the unbiased deviation plus epsilon, where `nn.GroupNorm(1, C)` divides by sqrt(variance + epsilon).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each picture of (B, C, H, W); in float32 at least, with a result in the precision of `x`."""
        if x.requires_grad and not torch.compiler.is_compiling():
            y: Tensor = _LayerNormWithGradient.apply(x, self.gamma, self.beta)  # type: ignore[no-untyped-call]
            return y
        centred, deviation = _centred(at_least_float32(x))
        y = centred / (deviation + EPSILON) * self.gamma[:, None, None] + self.beta[:, None, None]
        return y.to(x.dtype)


class _LayerNormWithGradient(torch.autograd.Function):
    """`LayerNorm` that keeps its input alone for the gradient, and takes that in few passes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """Normalise each picture of (B, C, H, W)."""
        raised = at_least_float32(x)
        centred, deviation = _centred(raised)
        ctx.save_for_backward(x, gamma, deviation)
        y = torch.addcmul(beta[:, None, None], centred, gamma[:, None, None] / (deviation + EPSILON))
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The gradients by x, and by gamma and beta where they are asked for.

        With z = (x - mean) / (s + eps), s^2 = sum (x - mean)^2 / (n - 1) and g = gamma dL/dy:
        dL/dx = (g - mean g - z (s + eps) sum(g z) / ((n - 1) s)) / (s + eps).
        """
        x, gamma, deviation = ctx.saved_tensors
        gradient = at_least_float32(gradients[0])
        count, inverse = x[0].numel(), 1 / (deviation + EPSILON)
        z = _centred(at_least_float32(x))[0].mul_(inverse)
        by_shift = gradient.sum((2, 3), keepdim=True)  # (B, C, 1, 1), as what follows from it
        by_scale = (gradient * z).sum((2, 3), keepdim=True)
        scale = gamma[:, None, None]
        mean = (by_shift * scale).sum(1, keepdim=True) / count
        # Where all of a picture is the same, z is 0, and so is this.
        varied = deviation.clamp(min=torch.finfo(deviation.dtype).tiny)
        along = (by_scale * scale).sum(1, keepdim=True) / ((count - 1) * varied)
        by_x = torch.addcmul(-mean * inverse, gradient, scale * inverse).addcmul_(z, along, value=-1)
        _, gamma_asked, beta_asked = ctx.needs_input_grad
        by_gamma = by_scale.sum((0, 2, 3)) if gamma_asked else None
        return by_x.to(x.dtype), by_gamma, by_shift.sum((0, 2, 3)) if beta_asked else None


def _centred(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each picture of (B, C, H, W) less its mean, and its unbiased deviation (B, 1, 1, 1)."""
    # Means go over positions first: reducing all axes at once is slow in channels-last layout.
    centred = x - x.mean((2, 3), keepdim=True).mean(1, keepdim=True)
    count = x[0].numel()
    variance = centred.square().mean((2, 3), keepdim=True).mean(1, keepdim=True) * (count / (count - 1))
    return centred, variance.sqrt()


def make_norm(kind: NormKind, channels: int) -> nn.Module:
    """The normalisation layer of that kind; a batch norm uses its running statistics in evaluation mode."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    if kind == "none":
        return nn.Identity()
    return InstanceNorm(channels, affine=kind == "instance_affine")
