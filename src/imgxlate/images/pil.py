"""Images as Python callers pass them in and get them back."""

import os
from pathlib import Path
from typing import Union

import numpy as np
from PIL import Image

from imgxlate.errors import ImageError
from imgxlate.images.decode import decode, decode_pil
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.limits import DEFAULT, Limits, find_white
from imgxlate.images.sixteen_bits import with_white
from imgxlate.images.value_files import from_pillow, read_values
from imgxlate.images.values import channels_last

ImageLike = Union[str, "os.PathLike[str]", bytes, Image.Image, np.ndarray, ImageArray]
"""A path, the bytes of an image file, a PIL image, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8 or uint16."""


def to_image_array(image: ImageLike, limits: Limits = DEFAULT, depth: Depth = 8) -> ImageArray:
    """Decode an image of any kind: upright, in sRGB, with its transparency. `depth` is for files, as in `decode`.

    An image of any kind that has 16 bits has the value of white that `limits` say.

    Raises:
        ImageError: the file cannot be read, or the array has another shape or dtype.
    """
    if isinstance(image, ImageArray):
        return image
    if isinstance(image, Image.Image):
        return decode_pil(image, limits)
    if isinstance(image, np.ndarray):
        return _from_array(image, limits.white)
    return decode(image if isinstance(image, bytes) else Path(image), limits=limits, depth=depth)


def to_values(image: ImageLike, limits: Limits = DEFAULT) -> np.ndarray:
    """The values (H, W, C) of an image that is not in color, in their own type and units.

    Raises:
        ImageError: the file cannot be read, or the array is no image.
    """
    if isinstance(image, ImageArray):
        return image.rgb
    if isinstance(image, Image.Image):
        return from_pillow(image)
    if isinstance(image, np.ndarray):
        return channels_last(image)
    return read_values(image if isinstance(image, bytes) else Path(image), limits=limits)


def to_pil(image: ImageArray) -> Image.Image:
    """The image in mode RGB, or RGBA if it has transparency. It has 8 bits: Pillow has no mode for more."""
    image = image.at_depth(8)
    pil = Image.fromarray(np.ascontiguousarray(image.rgb))
    if image.alpha is not None:
        pil.putalpha(Image.fromarray(np.ascontiguousarray(image.alpha)))
    return pil


def _from_array(array: np.ndarray, white: int | None) -> ImageArray:
    channels = array.shape[2] if array.ndim == 3 else 1
    is_image = array.ndim in (2, 3) and channels in (1, 3, 4) and array.size
    if array.dtype not in (np.uint8, np.uint16) or not is_image:
        raise ImageError(
            "array",
            "an image array must be (H, W), (H, W, 3) or (H, W, 4) of uint8 or uint16, "
            f"not {array.shape} of {array.dtype}",
            hint="Convert floats in [0, 1] with `(array * 255).round().astype(numpy.uint8)`.",
        )
    if channels == 1:
        array = np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    colors = array[..., :3]
    if colors.dtype == np.uint16:
        colors = with_white(colors, find_white(int(colors.max()), white))
    return ImageArray(colors, array[..., 3] if channels == 4 else None)
