"""Normalization layers of the translation networks, under the originals' parameter names."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn import NormKind, NormStatistics
from imgxlate.nn.moving_moments import moving
from imgxlate.nn.precision import at_least_float32, is_fast
from imgxlate.nn.stages import Affine, Moments, Norm, Stage, pointwise

EPSILON = 1e-5
_LARGE = 1 << 18  # positions of a map


def instance_norm(x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
    """Normalize each channel of each image in (B, C, H, W) to mean 0 and variance 1 over its positions.

    Then multiply by `scale` and add `shift` (B, C); both or neither are given. Computes in float32 at least; the result
    has the precision of `x`. H W must exceed 1.
    """
    if _is_large(x):
        return _by_moments(x, scale, shift)
    if x.requires_grad or x.dtype is torch.bfloat16 or (is_fast() and x.device.type == "cpu"):
        return _one_by_one(x, scale, shift)
    # In channels-last layout group_norm computes E[x^2] - E[x]^2, which cancels if the mean is large: center first.
    centered = x - x.mean((2, 3), keepdim=True)
    y = functional.group_norm(centered, x.shape[1], eps=EPSILON)
    return y if scale is None or shift is None else y * scale[:, :, None, None] + shift[:, :, None, None]


def _is_large(x: Tensor) -> bool:
    """Whether torch's norms would lose digits: their sums in float32 over a large map are up to a few percent off."""
    positions = x.shape[2] * x.shape[3]
    return positions >= _LARGE and x.device.type == "cpu" and x.dtype is torch.float32 and not x.requires_grad


def _by_moments(x: Tensor, scale: Tensor | None, shift: Tensor | None) -> Tensor:
    """`instance_norm` by moments in float64, as an image in bands has them."""
    parameters = [(None, None)] * len(x) if scale is None or shift is None else zip(scale, shift, strict=True)
    images = [
        _standardized(Moments.of(image), image_scale, image_shift)(image)
        for image, (image_scale, image_shift) in zip(torch.split(x, 1), parameters, strict=True)
    ]
    return images[0] if len(images) == 1 else torch.cat(images)


def _one_by_one(x: Tensor, scale: Tensor | None, shift: Tensor | None) -> Tensor:
    """`instance_norm` as batch norms of one image each. On CPUs it is faster in channels-last layout, and its backward
    is far faster everywhere. The error grows with the ratio of mean to deviation.
    """
    if scale is None or shift is None:
        # In bfloat16, batch_norm keeps its statistics as precise as its parameters.
        ones = x.new_ones(x.shape[:2], dtype=at_least_float32(x[:0]).dtype)
        scale, shift = ones, torch.zeros_like(ones)
    images = [
        functional.batch_norm(image, None, None, image_scale, image_shift, training=True, eps=EPSILON)
        for image, image_scale, image_shift in zip(torch.split(x, 1), scale, shift, strict=True)
    ]
    return images[0] if len(images) == 1 else torch.cat(images)


class InstanceNorm(nn.Module):
    """Instance normalization (arXiv 1607.08022); if `affine`, with a learned scale and shift of each channel."""

    def __init__(self, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalize (B, C, H, W); H W must exceed 1."""
        if moments := moving(x):
            return self.affine(moments)(x)
        if self.weight is None or self.bias is None:
            return instance_norm(x)
        return instance_norm(x, self.weight.expand(len(x), -1), self.bias.expand(len(x), -1))

    def affine(self, moments: Moments) -> Affine:
        """`forward` for a map of these moments."""
        return _standardized(moments, self.weight, self.bias)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization. In evaluation mode it uses its running statistics, or those of each image."""

    statistics: NormStatistics = "running"

    def forward(self, x: Tensor) -> Tensor:
        """Normalize (B, C, H, W); H W must exceed 1."""
        if self.training or self.statistics == "running":
            return super().forward(x)
        if moments := moving(x):
            return self.affine_of(moments)(x)
        return instance_norm(x, self.weight.expand(len(x), -1), self.bias.expand(len(x), -1))

    def affine_of(self, moments: Moments) -> Affine:
        """`forward` with the statistics of an image, for a map of these moments."""
        return _standardized(moments, self.weight, self.bias)


def set_norm_statistics(network: nn.Module, statistics: NormStatistics) -> bool:
    """Let the batch norms of a network use `statistics`. Returns whether it has any."""
    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    for norm in norms:
        norm.statistics = statistics
    return bool(norms)


class AdaptiveInstanceNorm(nn.Module):
    """Instance normalization whose scale and shift come from a style code."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The originals' files hold these two; no computation reads them.
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, adain: Tensor) -> Tensor:
        """Normalize (B, C, H, W) with `adain` (B, 2, C): the shift of each channel, then its scale."""
        if moments := moving(x):
            return self.affine(adain, moments)(x)
        shift, scale = adain.unbind(1)
        # Adaptive instance normalization (MUNIT, Eq. 7).
        return instance_norm(x, scale, shift)

    def affine(self, adain: Tensor, moments: Moments) -> Affine:
        """`forward` with `adain` (1, 2, C) for a map of these moments."""
        shift, scale = adain[0]
        return _standardized(moments, scale, shift)


def _standardized(moments: Moments, scale: Tensor | None, shift: Tensor | None) -> Affine:
    """Mean 0 and variance 1, then `scale` and `shift` (C,)."""
    inverse = (moments.deviations / moments.count + EPSILON).rsqrt()
    if scale is None or shift is None:
        return Affine(moments.mean, inverse, torch.zeros_like(inverse))
    return Affine(moments.mean, inverse * scale.cpu(), shift)


class LayerNorm(nn.Module):
    """Layer normalization over (C, H, W) as in MUNIT's code (NVlabs/MUNIT, networks.py:485-512).

    It divides by the unbiased deviation plus epsilon; `nn.GroupNorm(1, C)` divides by sqrt(variance + epsilon).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each image of (B, C, H, W) in float32 at least; the result has the precision of `x`."""
        if moments := moving(x):
            return self.affine(moments)(x)
        if x.requires_grad and not torch.compiler.is_compiling():
            y: Tensor = _FastLayerNorm.apply(x, self.gamma, self.beta)  # type: ignore[no-untyped-call]
            return y
        return _layer_norm(x, self.gamma, self.beta)

    def affine(self, moments: Moments) -> Affine:
        """`forward` for a map of these moments."""
        mean, deviations = moments.pooled()
        deviation = (deviations / (moments.count * len(self.gamma) - 1)).sqrt()
        return Affine(mean.expand(len(self.gamma)), self.gamma.cpu() / (deviation + EPSILON), self.beta)


def _layer_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    centered, deviation = _centered(at_least_float32(x))
    y = centered / (deviation + EPSILON) * gamma[:, None, None] + beta[:, None, None]
    return y.to(x.dtype)


class _FastLayerNorm(torch.autograd.Function):
    """`_layer_norm` with a gradient that takes few passes over the data and stores only the input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """Normalize each image of (B, C, H, W)."""
        centered, deviation = _centered(at_least_float32(x))
        ctx.save_for_backward(x, gamma, beta, deviation)
        y = torch.addcmul(beta[:, None, None], centered, gamma[:, None, None] / (deviation + EPSILON))
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients by x, gamma and beta, or None for those that are not needed."""
        *inputs, deviation = ctx.saved_tensors
        if torch.is_grad_enabled():  # A second derivative may be taken, and `deviation` has no derivative.
            return _differentiable_gradients(inputs, ctx.needs_input_grad, gradients[0])
        return _gradients(inputs, ctx.needs_input_grad, gradients[0], deviation)


def _differentiable_gradients(
    inputs: Sequence[Tensor], needed: Sequence[bool], gradient: Tensor
) -> tuple[Tensor | None, ...]:
    wanted = [tensor for tensor, is_needed in zip(inputs, needed, strict=True) if is_needed]
    found = iter(torch.autograd.grad(_layer_norm(*inputs), wanted, gradient, create_graph=True))
    return tuple(next(found) if is_needed else None for is_needed in needed)


def _gradients(
    inputs: Sequence[Tensor], needed: Sequence[bool], gradient: Tensor, deviation: Tensor
) -> tuple[Tensor | None, ...]:
    """The gradients in closed form.

    With z = (x - mean) / (s + eps), s^2 = sum (x - mean)^2 / (n - 1) and g = gamma dL/dy:
    dL/dx = (g - mean g - z (s + eps) sum(g z) / ((n - 1) s)) / (s + eps).
    """
    x, gamma, _ = inputs
    gradient = at_least_float32(gradient)
    count, inverse = x[0].numel(), 1 / (deviation + EPSILON)
    z = _centered(at_least_float32(x))[0].mul_(inverse)
    by_shift = gradient.sum((2, 3), keepdim=True)  # (B, C, 1, 1)
    by_scale = (gradient * z).sum((2, 3), keepdim=True)  # (B, C, 1, 1)
    scale = gamma[:, None, None]
    mean = (by_shift * scale).sum(1, keepdim=True) / count
    # For an image of one color, z and this are 0.
    varied = deviation.clamp(min=torch.finfo(deviation.dtype).tiny)
    along = (by_scale * scale).sum(1, keepdim=True) / ((count - 1) * varied)
    by_x = torch.addcmul(-mean * inverse, gradient, scale * inverse).addcmul_(z, along, value=-1)
    _, needs_gamma, needs_beta = needed
    by_gamma = by_scale.sum((0, 2, 3)) if needs_gamma else None
    return by_x.to(x.dtype), by_gamma, by_shift.sum((0, 2, 3)) if needs_beta else None


def _centered(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each image of (B, C, H, W) minus its mean, and its unbiased deviation (B, 1, 1, 1)."""
    # Means go over positions first: reducing all axes at once is slow in channels-last layout.
    centered = x - x.mean((2, 3), keepdim=True).mean(1, keepdim=True)
    count = x[0].numel()
    variance = centered.square().mean((2, 3), keepdim=True).mean(1, keepdim=True) * (count / (count - 1))
    if (
        variance.requires_grad
    ):  # The square root of 0 has an infinite gradient. The clamped value vanishes beside epsilon.
        variance = variance.clamp(min=torch.finfo(variance.dtype).tiny)
    return centered, variance.sqrt()


def make_norm(kind: NormKind, channels: int) -> nn.Module:
    """The normalization layer of that kind; a batch norm uses its running statistics in evaluation mode."""
    if kind == "batch":
        return BatchNorm(channels)
    if kind == "none":
        return nn.Identity()
    return InstanceNorm(channels, affine=kind == "instance_affine")


def norm_stages(norm: nn.Module, channels: int, adain: Tensor | None = None) -> list[Stage]:
    """The description of a normalization layer; `adain` (1, 2, C) are the parameters of an adaptive one."""
    if isinstance(norm, AdaptiveInstanceNorm) and adain is not None:
        return [Norm(partial(norm.affine, adain))]
    if isinstance(norm, BatchNorm) and norm.statistics == "image":
        return [Norm(norm.affine_of)]
    if isinstance(norm, InstanceNorm | LayerNorm):
        return [Norm(norm.affine)]
    return [pointwise(norm, channels)]
