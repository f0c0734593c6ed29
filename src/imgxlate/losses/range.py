"""How far colours are out of range."""

from torch import Tensor


def excess(image: Tensor) -> Tensor:
    """Sum of the squares of what goes beyond [-1, 1] in an image (B, C, H, W): what clipping would take away."""
    return (image.abs() - 1).clamp(min=0).square().sum()
