"""Gram matrices of feature maps, which describe style (Gatys et al., arXiv 1508.06576, Eq. 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def gram_sum(features: Tensor) -> Tensor:
    """Sum over positions of the outer product of `features` (1, C, H, W) with themselves: (C, C), in float32.

    It adds up over the parts of an image: what a whole picture has is the sum of what its parts have.
    """
    maps = features[0].flatten(1).float()  # (C, H W)
    return maps @ maps.T


def mix(grams: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted sum of Gram matrices (C, C) of several style images."""
    return torch.stack([gram * weight for gram, weight in zip(grams, weights, strict=True)]).sum(dim=0)
