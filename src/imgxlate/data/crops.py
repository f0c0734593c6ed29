"""Cuts a training picture out of a picture: resize, random crop, random flip. Pixels are (H, W, 3) uint8."""

import math

import numpy as np
from PIL import Image

from imgxlate.data.config import DataConfig
from imgxlate.images.sizes import Box, Size, shorter_side

FLAT = 2
"""Where no channel varies by more grey levels than this, instance norm makes gradients explode."""

_REACH = 2  # pixels, of the larger scale, on either side of a point that the wider filter takes in
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def random_crop(rgb: np.ndarray, config: DataConfig, rng: np.random.Generator) -> np.ndarray:
    """A random part of the resized picture, of the size that `config` says, mirrored in one case out of two.

    MUNIT mirrors first, and CycleGAN last; the parts that come are the same.
    """
    size = resized((rgb.shape[0], rgb.shape[1]), config)
    if config.zoom > 1:
        factor = rng.uniform(1, config.zoom)
        size = round(size[0] * factor), round(size[1] * factor)
    top = int(rng.integers(size[0] - config.crop_height + 1))
    left = int(rng.integers(size[1] - config.crop_width + 1))
    mirrored = bool(rng.integers(2)) and config.flip
    part = _cut(rgb, size, Box(top, left, config.crop_height, config.crop_width), _FILTERS[config.interpolation])
    return part[:, ::-1] if mirrored else part


def is_flat(rgb: np.ndarray) -> bool:
    """Whether the pixels have one colour, or nearly."""
    lowest, highest = rgb.min(axis=(0, 1)), rgb.max(axis=(0, 1))
    return bool((highest - lowest <= FLAT).all())


def resized(size: Size, config: DataConfig) -> Size:
    """The size that a picture is resized to: what `config.resize` says, and large enough for the crop."""
    match config.resize:
        case "shorter":
            wanted = shorter_side(size, config.new_size)
        case "square":
            wanted = config.new_size, config.new_size
        case "width":
            wanted = max(1, size[0] * config.new_size // size[1]), config.new_size
        case "none":
            wanted = size
    return _covering(wanted, (config.crop_height, config.crop_width))


def _covering(size: Size, crop: Size) -> Size:
    """`size`, enlarged in proportion where the crop is larger, a fraction of a pixel counting as one."""
    if size[0] >= crop[0] and size[1] >= crop[1]:
        return size
    # The larger of crop[0] / size[0] and crop[1] / size[1], as a fraction of whole numbers.
    new, old = (crop[0], size[0]) if crop[0] * size[1] >= crop[1] * size[0] else (crop[1], size[1])
    return -(-size[0] * new // old), -(-size[1] * new // old)


def _cut(rgb: np.ndarray, size: Size, box: Box, resampling: Image.Resampling) -> np.ndarray:
    """The part in `box` of the picture resized to `size`. The rest is not computed: a strip of pixels grows huge."""
    height, width, _ = rgb.shape
    if size == (height, width):
        return rgb[box.top : box.top + box.height, box.left : box.left + box.width]
    rows, top, bottom = _span(box.top, box.height, height, size[0])
    columns, left, right = _span(box.left, box.width, width, size[1])
    nearby = Image.fromarray(rgb[rows, columns])
    return np.asarray(nearby.resize((box.width, box.height), resampling, box=(left, top, right, bottom)))


def _span(first: int, count: int, old: int, new: int) -> tuple[slice, float, float]:
    """Of `old` pixels resized to `new`, those that `count` from `first` on are made of, and where these lie in them."""
    scale = old / new
    start, end = first * scale, min(old, (first + count) * scale)
    reach = math.ceil(_REACH * max(1, scale)) + 1
    lowest, highest = max(0, math.floor(start) - reach), min(old, math.ceil(end) + reach)
    return slice(lowest, highest), start - lowest, end - lowest
