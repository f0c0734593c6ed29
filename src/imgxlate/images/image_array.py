"""A decoded image."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from imgxlate.images.sizes import Size


@dataclass(frozen=True, slots=True, eq=False)
class ImageArray:
    """Colors and transparency. Do not write to the arrays; they may be read-only.

    Raises:
        ValueError: an array has another shape or type.
    """

    rgb: np.ndarray  # (H, W, 3) uint8, sRGB
    alpha: np.ndarray | None = None  # (H, W) uint8, 255 is opaque; None: no transparency

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or not self.rgb.size:
            raise ValueError(f"rgb must be (H, W, 3) uint8, not {self.rgb.shape} {self.rgb.dtype}")
        if self.alpha is not None and (self.alpha.dtype != np.uint8 or self.alpha.shape != self.size):
            raise ValueError(f"alpha must be {self.size} uint8, not {self.alpha.shape} {self.alpha.dtype}")

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        height, width, _ = self.rgb.shape
        return height, width

    def with_rgb(self, rgb: np.ndarray) -> Self:
        """The image with other colors (H, W, 3) uint8. The transparency is resized to their size."""
        if self.alpha is None or self.size == rgb.shape[:2]:
            return type(self)(rgb, self.alpha)
        height, width, _ = rgb.shape
        resized = Image.fromarray(self.alpha).resize((width, height), Image.Resampling.BICUBIC)
        return type(self)(rgb, np.asarray(resized))
