"""The temporal loss of a film's frames (Ruder, Dosovitskiy and Brox 2016, arXiv 1604.08610, section 4.2)."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class TemporalLoss:
    """The distance of an image from the last output, moved along the flow, where the flow is consistent.

    It is the weighted mean of c (x - w)^2 over pixels and channels, in gray levels.
    """

    weight: float
    moved: Tensor  # w (1, 3, H, W) in [-1, 1]
    consistency: Tensor  # c (1, 1, H, W) from 0 to 1

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The loss () of an image (1, 3, H, W) in [-1, 1], and its gradient by the image."""
        difference = image - self.moved
        counted = self.consistency * difference
        scale = self.weight * 127.5**2 / image.numel()
        return scale * (counted * difference).sum(), 2 * scale * counted
