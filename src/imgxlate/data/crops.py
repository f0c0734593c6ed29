"""Resize, random zoom, rotation, crop and flip of training images.

Pixels are (H, W, 3) uint8; or (H, W, C) float32 in [-1, 1], of images that are not in color.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from imgxlate.data.colors import jitter
from imgxlate.data.config import DataConfig
from imgxlate.images.sizes import Box, Size, shorter_side

FLAT = 2
"""If no channel varies by more gray levels than this, instance norm makes gradients explode."""

_REACH = 2  # radius of the wider filter (bicubic), in pixels of the coarser image
_REDUCTION_GAP = 2  # how much larger than needed a reduced image is, so that the crops stay almost the same
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def random_crop(rgb: np.ndarray, config: DataConfig, rng: np.random.Generator) -> np.ndarray:
    """A random part of the resized image, mirrored with a probability of one half, in randomly changed colors.

    MUNIT mirrors before the crop and CycleGAN after it. The distribution of the crops is the same.
    """
    size = resized((rgb.shape[0], rgb.shape[1]), config)
    if config.zoom > 1:
        factor = rng.uniform(1, config.zoom)
        size = round(size[0] * factor), round(size[1] * factor)
    crop = config.crop_height, config.crop_width
    angle = rng.uniform(-config.rotate, config.rotate) if config.rotate else 0.0
    needed = _surrounding(crop, angle) if angle else crop
    size = _covering(size, needed)
    top = int(rng.integers(size[0] - needed[0] + 1))
    left = int(rng.integers(size[1] - needed[1] + 1))
    mirrored = bool(rng.integers(2)) and config.flip
    resampling = _FILTERS[config.interpolation]
    part = _cut(rgb, size, Box(top, left, *needed), resampling)
    if angle:
        part = _rotated(part, angle, crop, resampling)
    return jitter(part[:, ::-1] if mirrored else part, config, rng)


def is_flat(rgb: np.ndarray) -> bool:
    """Whether all pixels have nearly the same color."""
    lowest, highest = rgb.min(axis=(0, 1)), rgb.max(axis=(0, 1))
    return bool((highest - lowest <= (FLAT if rgb.dtype == np.uint8 else FLAT / 127.5)).all())


def resized(size: Size, config: DataConfig) -> Size:
    """The size that an image of `size` is resized to: by `config.resize`, but at least as large as the crop."""
    match config.resize:
        case "shorter":
            new = shorter_side(size, config.new_size)
        case "square":
            new = config.new_size, config.new_size
        case "width":
            new = max(1, size[0] * config.new_size // size[1]), config.new_size
        case "none":
            new = size
    return _covering(new, (config.crop_height, config.crop_width))


def sufficient_side(config: DataConfig) -> int | None:
    """The shorter side, in pixels, that an image needs for the crops of `config`. None: images are not resized.

    The final resize of an image of this size shrinks it by a factor of two at least. So a larger image may be decoded
    at a reduced size: the crops change by about two gray levels at most.
    """
    if config.resize == "none":
        return None
    crop = config.crop_height, config.crop_width
    largest = max(crop) if not config.rotate else math.ceil(math.hypot(*crop)) + 2 * _REACH
    side = max(config.new_size, largest)  # at least the shorter side after resizing
    return math.ceil(_REDUCTION_GAP * config.zoom * side)


def _covering(size: Size, crop: Size) -> Size:
    """`size`, enlarged in proportion and rounded up if the crop is larger."""
    if size[0] >= crop[0] and size[1] >= crop[1]:
        return size
    # The larger of crop[0] / size[0] and crop[1] / size[1], as a fraction of whole numbers.
    new, old = (crop[0], size[0]) if crop[0] * size[1] >= crop[1] * size[0] else (crop[1], size[1])
    return -(-size[0] * new // old), -(-size[1] * new // old)


def _surrounding(crop: Size, angle: float) -> Size:
    """The size of an upright part from which a part of size `crop`, rotated by `angle` degrees, can be computed."""
    across, along = abs(math.sin(math.radians(angle))), abs(math.cos(math.radians(angle)))
    height, width = crop
    return (
        math.ceil(height * along + width * across) + 2 * _REACH,
        math.ceil(height * across + width * along) + 2 * _REACH,
    )


def _rotated(part: np.ndarray, angle: float, crop: Size, resampling: Image.Resampling) -> np.ndarray:
    """The middle of `part`, of size `crop`, after a rotation by `angle` degrees."""
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    (height, width), (y, x) = crop, (part.shape[0] / 2, part.shape[1] / 2)
    # Where in `part` the positions of the result are: turned about the centers of both.
    left = x - (cosine * width - sine * height) / 2
    top = y - (sine * width + cosine * height) / 2
    places = (cosine, -sine, left, sine, cosine, top)
    return _mapped(part, lambda image: image.transform((width, height), Image.Transform.AFFINE, places, resampling))


def _cut(rgb: np.ndarray, size: Size, box: Box, resampling: Image.Resampling) -> np.ndarray:
    """The part in `box` of the image resized to `size`. Only this part is computed: a resized strip would be huge."""
    height, width, _ = rgb.shape
    if size == (height, width):
        return rgb[box.top : box.top + box.height, box.left : box.left + box.width]
    rows, top, bottom = _span(box.top, box.height, height, size[0])
    columns, left, right = _span(box.left, box.width, width, size[1])
    crop, part = (box.width, box.height), (left, top, right, bottom)
    return _mapped(rgb[rows, columns], lambda image: image.resize(crop, resampling, box=part))


def _mapped(pixels: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    """The pixels after a change; Pillow takes channels of floats one by one."""
    if pixels.dtype == np.uint8:
        return np.asarray(change(Image.fromarray(pixels)))
    channels = [
        np.asarray(change(Image.fromarray(np.ascontiguousarray(channel)))) for channel in pixels.transpose(2, 0, 1)
    ]
    return np.stack(channels, axis=-1).clip(-1, 1)  # Bicubic overshoots.


def _span(first: int, count: int, old: int, new: int) -> tuple[slice, float, float]:
    """Which of `old` pixels are needed to compute `count` of `new` pixels from `first` on.

    Returns a slice of the old pixels, and where in it the new ones start and end.
    """
    scale = old / new
    start, end = first * scale, min(old, (first + count) * scale)
    reach = math.ceil(_REACH * max(1, scale)) + 1
    lowest, highest = max(0, math.floor(start) - reach), min(old, math.ceil(end) + reach)
    return slice(lowest, highest), start - lowest, end - lowest
