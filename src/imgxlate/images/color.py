"""Keeps the content image's colors (Gatys et al., arXiv 1611.07865, section 5). Images are (1, 3, H, W) in [-1, 1]."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from imgxlate.images.tensors import LUMA

PreserveColor = Literal["off", "luminance", "match"]

_REGULAR = 1e-5 * 4  # added to variances, for images of one color; the authors' 1e-5 is for the range [0, 1]


def prepare(mode: PreserveColor, content: Tensor, styles: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """The content image and the style images to paint with, so that the content's colors are kept."""
    if mode == "match":
        return content, [match_colors(style, content) for style in styles]
    if mode == "luminance":
        gray = luminance(content)
        return gray, [match_luminance(luminance(style), gray) for style in styles]
    return content, list(styles)


def luminance(image: Tensor) -> Tensor:
    """The gray version of `image`, with three equal channels."""
    weights = image.new_tensor(LUMA).view(1, 3, 1, 1)
    return (image * weights).sum(dim=1, keepdim=True).expand(-1, 3, -1, -1).contiguous()


def match_luminance(gray: Tensor, reference: Tensor) -> Tensor:
    """Give a gray image the mean and the standard deviation of the gray image `reference`."""
    contrast = reference.std() / gray.std().clamp(min=_REGULAR**0.5)
    return ((gray - gray.mean()) * contrast + reference.mean()).clamp(-1, 1)


def restore_chroma(image: Tensor, content: Tensor) -> Tensor:
    """The luminance of `image` with the chroma of `content`, which has the same size."""
    return content + luminance(image) - luminance(content)


def match_colors(image: Tensor, reference: Tensor) -> Tensor:
    """Give `image` the mean and the covariance of the colors of `reference`, by a linear map of colors.

    The map is the product of symmetric square roots of the covariances, the authors' variant `pca`. It is computed in
    float64 on the CPU, because Apple GPUs have no float64.
    """
    colors = _colors(image)
    mean, covariance = _statistics(colors)
    target_mean, target_covariance = _statistics(_colors(reference))
    transform = _power(target_covariance, 0.5) @ _power(covariance, -0.5)
    matched = transform @ (colors - mean) + target_mean
    return matched.view_as(image).to(image.dtype).clamp(-1, 1).to(image.device)


def _colors(image: Tensor) -> Tensor:
    return image[0].flatten(1).cpu().double()  # (3, H W)


def _statistics(colors: Tensor) -> tuple[Tensor, Tensor]:
    mean = colors.mean(dim=1, keepdim=True)
    covariance = (colors - mean) @ (colors - mean).T / colors.shape[1]
    return mean, covariance + _REGULAR * torch.eye(3, dtype=colors.dtype)


def _power(symmetric: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(symmetric)
    return torch.einsum("ij,j,kj->ik", vectors, values**exponent, vectors)
