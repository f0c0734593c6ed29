"""The sums that the loss of neural style consists of (Gatys et al., arXiv 1508.06576).

They add up over the parts of an image: the sum over the whole image is the sum over its parts. Sums and gradients are
in float32, or more precise if the features are.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from imgxlate.losses import Variation
from imgxlate.nn.precision import at_least_float32, is_fast


def squared_error_sum(features: Tensor, target: Tensor) -> Tensor:
    """Sum of squared differences of two tensors of one shape (Eq. 1)."""
    return (at_least_float32(features) - at_least_float32(target)).square().sum()


def squared_error_gradient(features: Tensor, target: Tensor, by_error: Tensor) -> Tensor:
    """The gradient by `features`, from that by `squared_error_sum`, which is ()."""
    return (at_least_float32(features) - at_least_float32(target)) * (2 * by_error)


def gram_sum(features: Tensor) -> Tensor:
    """Gram matrix (C, C) of features (1, C, H, W), summed over positions (Eq. 3)."""
    maps = at_least_float32(features.squeeze(0).flatten(1))  # (C, H W); the gradient of an index would be a copy
    if is_fast():
        gram: Tensor = _Gram.apply(maps)  # type: ignore[no-untyped-call]
        return gram
    return maps @ maps.T


def gram_gradient(features: Tensor, by_gram: Tensor) -> Tensor:
    """The gradient by `features` (1, C, H, W), from that by `gram_sum`, which is (C, C)."""
    return _by_maps(at_least_float32(features[0].flatten(1)), by_gram).view_as(features)


def guided_gram_sum(features: Tensor, channel: Tensor) -> Tensor:
    """Gram matrix (C, C) of features (1, C, H, W) times a guidance channel (1, 1, H, W), summed over positions.

    Source: Gatys et al., arXiv 1611.07865, section 3.1.
    """
    gram: Tensor = _GuidedGram.apply(features, channel)  # type: ignore[no-untyped-call]
    return gram


def guided_gram_gradient(features: Tensor, channel: Tensor, by_gram: Tensor) -> Tensor:
    """The gradient by `features` (1, C, H, W), from that by `guided_gram_sum`, which is (C, C)."""
    return (_by_maps(_guided(features, channel), by_gram) * channel.flatten()).view_as(features)


class _GuidedGram(torch.autograd.Function):
    """`guided_gram_sum`. For its gradient, it keeps the features themselves, which all regions share."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, channel: Tensor) -> Tensor:
        """Multiply (1, C, H, W) by (1, 1, H, W) and then by its transpose: (C, C)."""
        ctx.save_for_backward(features, channel)
        maps = _guided(features, channel)
        return maps @ maps.T

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_gram: Tensor) -> tuple[Tensor, None]:
        """The gradient by the features, from that (C, C) by the product. The channel has none."""
        features, channel = ctx.saved_tensors
        return guided_gram_gradient(features, channel, by_gram).to(features.dtype), None


def _guided(features: Tensor, channel: Tensor) -> Tensor:
    """The maps (C, H W) of features times a guidance channel."""
    return at_least_float32(features[0].flatten(1)) * channel.flatten()


class _Gram(torch.autograd.Function):
    """The product of a matrix and its transpose. Its gradient takes one product instead of torch's two."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        """Multiply (C, N) by its transpose: (C, C)."""
        ctx.save_for_backward(maps)
        return maps @ maps.T

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """The gradient (C, N), from that (C, C) by the product."""
        [maps] = ctx.saved_tensors
        return _by_maps(maps, gradient)


def _by_maps(maps: Tensor, by_gram: Tensor) -> Tensor:
    """The gradient by `maps` (C, N), from that by its product with its transpose."""
    both = by_gram + by_gram.T
    # The layout of `maps`, which is that of the other gradients by the features, makes their sum fast.
    return (maps.T @ both).T if maps.stride(0) == 1 else both @ maps


def mix(grams: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted sum of Gram matrices (C, C) of several style images."""
    return torch.stack([gram * weight for gram, weight in zip(grams, weights, strict=True)]).sum(dim=0)


def total_variation(image: Tensor, kind: Variation, rows: int | None = None) -> Tensor:
    """Sum of the `absolute` or `squared` differences of neighboring pixels of an image (B, C, H, W).

    The differences are those of the first `rows` from their neighbors to the right and below; None: of all rows.
    """
    image = image if rows is None else image[..., : rows + 1, :]
    right = image[..., :rows, 1:] - image[..., :rows, :-1]
    below = image[..., 1:, :] - image[..., :-1, :]
    if kind == "absolute":
        return right.abs().sum() + below.abs().sum()
    return right.square().sum() + below.square().sum()


def excess(image: Tensor) -> Tensor:
    """Sum of the squared amounts by which an image (B, C, H, W) leaves [-1, 1]. Clipping removes them."""
    return (image.abs() - 1).clamp(min=0).square().sum()
