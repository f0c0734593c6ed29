"""A decoded image."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from PIL import Image

from imgxlate.images.pixel_format import PixelFormat, Shown, shown_channels
from imgxlate.images.sizes import Size, bands

Depth = Literal[8, 16, 32]
"""Bits of a channel; 32: floats, of images that are not in color."""

_BAND_PIXELS = 1 << 20

_TYPES: dict[Depth, np.dtype] = {8: np.dtype(np.uint8), 16: np.dtype(np.uint16), 32: np.dtype(np.float32)}


@dataclass(frozen=True, slots=True, eq=False)
class ImageArray:
    """Colors and transparency, both with 8 or both with 16 bits. Do not write to the arrays; they may be read-only.

    Images that are not in color have floats in place of colors: values of up to 16 channels, scaled to [-1, 1].

    Raises:
        ValueError: an array has another shape or type.
    """

    rgb: np.ndarray  # (H, W, 3) uint8 or uint16, sRGB; or (H, W, C) float32 in [-1, 1]
    alpha: np.ndarray | None = None  # (H, W) of the same type, 255 or 65535 is opaque; None: no transparency
    notes: tuple[str, ...] = ()  # what a user should know about how the file was read
    pixels: PixelFormat | None = None  # of floats: the channels, the range and the type of their values

    def __post_init__(self) -> None:
        kind = self.rgb.dtype
        fits = kind in _TYPES.values() and self.rgb.ndim == 3 and (kind == np.float32 or self.rgb.shape[2] == 3)
        if not fits or not self.rgb.size:
            raise ValueError(f"rgb must be (H, W, 3) uint8 or uint16, not {self.rgb.shape} {kind}")
        if self.alpha is not None and (self.alpha.dtype != kind or self.alpha.shape != self.size):
            raise ValueError(f"alpha must be {self.size} {kind}, not {self.alpha.shape} {self.alpha.dtype}")

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        height, width, _ = self.rgb.shape
        return height, width

    @property
    def depth(self) -> Depth:
        """Bits of a channel."""
        return depth_of(self.rgb)

    @property
    def shown(self) -> Shown:
        """The channels that are shown as red, green and blue."""
        return (self.pixels and self.pixels.shown) or shown_channels(self.rgb.shape[2])

    def at_depth(self, depth: Depth) -> Self:
        """The image with that many bits, rounded to the nearest value. Floats become false colors."""
        if self.rgb.dtype == np.float32:
            return type(self)(_false_colors(self.rgb[..., list(self.shown)], depth))
        alpha = None if self.alpha is None else to_depth(self.alpha, depth)
        return self if depth == self.depth else type(self)(to_depth(self.rgb, depth), alpha, self.notes)

    def on_white(self) -> Self:
        """The image with the colors that it shows on white, and the same transparency.

        Colors of fully transparent pixels are arbitrary: programs leave anything there. No network may see them.
        """
        if self.alpha is None or int(self.alpha.min()) == full_scale(self.depth):
            return self
        colors = empty_colors(self.size, self.depth)
        for rows in bands(self.size, _BAND_PIXELS):
            _lay_on_white(self.rgb[rows], self.alpha[rows, :, None], colors[rows])
        return type(self)(colors, self.alpha)

    def with_rgb(self, rgb: np.ndarray) -> Self:
        """The image with other colors (H, W, 3). The transparency is brought to their size and depth."""
        if rgb.dtype == np.float32:
            return type(self)(rgb, pixels=self.pixels)
        if self.alpha is None:
            return type(self)(rgb)
        alpha = self.alpha if self.size == rgb.shape[:2] else _resized(self.alpha, rgb.shape[1], rgb.shape[0])
        return type(self)(rgb, to_depth(alpha, depth_of(rgb)))


def depth_of(values: np.ndarray) -> Depth:
    """Bits of each of `values`, of type uint8, uint16 or float32."""
    return next(depth for depth, kind in _TYPES.items() if kind == values.dtype)


def full_scale(depth: Depth) -> int:
    """The value of white and of opaque pixels."""
    return int(2**depth - 1)


def to_depth(values: np.ndarray, depth: Depth) -> np.ndarray:
    """Values of type uint8 or uint16 with that many bits, rounded to the nearest."""
    if depth_of(values) == depth:
        return values
    if depth == 16:
        return values.astype(np.uint16) * 257
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, ...) as its EXIF orientation says, contiguous; 1 is upright. Height and width may change places."""
    turned = stored.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else stored
    turned = turned[::-1] if orientation in (3, 4, 7, 8) else turned
    return np.ascontiguousarray(turned[:, ::-1] if orientation in (2, 3, 6, 7) else turned)


def _lay_on_white(rgb: np.ndarray, alpha: np.ndarray, out: np.ndarray) -> None:
    """Write to `out` the colors that `rgb` shows on white, rounded to the nearest value."""
    white = full_scale(depth_of(rgb))
    opacity = alpha.astype(np.uint32)
    out[:] = (rgb * opacity + white * (white - opacity) + white // 2) // white


def _resized(alpha: np.ndarray, width: int, height: int) -> np.ndarray:
    if alpha.dtype == np.uint8:
        return np.asarray(Image.fromarray(alpha).resize((width, height), Image.Resampling.BICUBIC))
    values = Image.fromarray(alpha.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(values).round().clip(0, 65535).astype(np.uint16)  # Bicubic overshoots.


def _false_colors(values: np.ndarray, depth: Depth) -> np.ndarray:
    """(H, W, 3) in [-1, 1] as colors of 8 or 16 bits."""
    return ((values + 1) * (full_scale(depth) / 2)).round().astype(_TYPES[depth])


def empty_colors(size: Size, depth: Depth, channels: int = 3) -> np.ndarray:
    """Colors (H, W, C) that are not yet set."""
    return np.empty((*size, channels), _TYPES[depth])
