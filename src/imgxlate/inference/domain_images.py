"""The images of a model's domains: read as its networks take them, and given back in the units of the domain."""

import os
from dataclasses import replace
from typing import Any, cast

from imgxlate.callbacks import Notify
from imgxlate.errors import UsageError
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.limits import Limits
from imgxlate.images.pil import ImageLike, to_image_array, to_pil, to_values
from imgxlate.images.pixel_format import PixelFormat, ValueType, own_range
from imgxlate.images.values import image_of_values, restored


def read(image: ImageLike, pixels: PixelFormat, limits: Limits, depth: Depth, notify: Notify) -> ImageArray:
    """Read an image of a domain with that format. `depth` is for files in color, as in `decode`.

    `notify` is called with a note if values are clipped.

    Raises:
        ImageError: it cannot be read, or has other channels.
        UsageError: it is a decoded image in color, whose values are not those of the domain.
    """
    if pixels.is_color:
        return to_image_array(image, limits, depth)
    if isinstance(image, ImageArray) and image.depth == 32:
        return image
    if isinstance(image, ImageArray) and pixels.range not in (None, own_range(image.rgb.dtype.name)):
        raise UsageError(
            f"the model takes images of {pixels}, not images in color",
            hint="Type `imgxlate translate`, or call `Model.translate` with a file or an array.",
        )
    name = str(image) if isinstance(image, str | os.PathLike) else "image"
    array, note = image_of_values(to_values(image, limits), pixels, name)
    if note:
        notify(f"{name}: {note}")
    return array


def output_format(pixels: PixelFormat, source: ImageArray) -> PixelFormat | None:
    """The format of the translations of `source` to a domain whose images have the format `pixels`.

    None: they are in color. Without a type, they have the type of the source.
    """
    if pixels.is_color:
        return None
    of_source = source.pixels.type if source.pixels else cast(ValueType, source.rgb.dtype.name)
    return replace(pixels, type=pixels.type or of_source)


def result(output: ImageArray) -> Any:
    """A translated image as Python callers get it: a PIL image; of images that are not in color, an array."""
    if output.depth != 32:
        return to_pil(output)
    values = restored(output)
    return values[..., 0] if values.shape[2] == 1 else values
