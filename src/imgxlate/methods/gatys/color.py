"""Keeps the content image's colours (Gatys et al., arXiv 1611.07865, section 5). Images are (1, 3, H, W) in [-1, 1]."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

PreserveColor = Literal["off", "luminance", "match"]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in the authors' code
_REGULAR = 1e-5 * 4  # added to variances, for images of one colour; the authors' 1e-5 is for the range [0, 1]


def prepare(mode: PreserveColor, content: Tensor, styles: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """What to paint, and in the style of what, so that the content's colours can be kept."""
    if mode == "match":
        return content, [match_colors(style, content) for style in styles]
    if mode == "luminance":
        grey = luminance(content)
        return grey, [match_luminance(luminance(style), grey) for style in styles]
    return content, list(styles)


def luminance(image: Tensor) -> Tensor:
    """The grey image of `image`, still with three channels."""
    weights = image.new_tensor(_LUMA).view(1, 3, 1, 1)
    return (image * weights).sum(dim=1, keepdim=True).expand(-1, 3, -1, -1).contiguous()


def match_luminance(grey: Tensor, reference: Tensor) -> Tensor:
    """Give a grey image the mean and the standard deviation of the grey image `reference`."""
    contrast = reference.std() / grey.std().clamp(min=_REGULAR**0.5)
    return ((grey - grey.mean()) * contrast + reference.mean()).clamp(-1, 1)


def restore_chroma(picture: Tensor, content: Tensor) -> Tensor:
    """The luminance of `picture` with the chroma of `content`, of the same size."""
    return content + luminance(picture) - luminance(content)


def match_colors(image: Tensor, reference: Tensor) -> Tensor:
    """Give `image` the mean and the covariance of the colours of `reference`, by a linear map of colours.

    The map is the product of symmetric square roots of the covariances, the authors' variant `pca`.
    """
    mean, covariance = _statistics(image)
    target_mean, target_covariance = _statistics(reference)
    transform = _power(target_covariance, 0.5) @ _power(covariance, -0.5)
    matched = transform @ (image[0].flatten(1).double() - mean) + target_mean
    return matched.view_as(image).to(image.dtype).clamp(-1, 1)


def _statistics(image: Tensor) -> tuple[Tensor, Tensor]:
    colors = image[0].flatten(1).double()  # (3, H W)
    mean = colors.mean(dim=1, keepdim=True)
    covariance = (colors - mean) @ (colors - mean).T / colors.shape[1]
    return mean, covariance + _REGULAR * torch.eye(3, dtype=colors.dtype, device=colors.device)


def _power(symmetric: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(symmetric)
    return torch.einsum("ij,j,kj->ik", vectors, values**exponent, vectors)
