"""Images that are not in color: their values as a file has them, and scaled to [-1, 1] for networks."""

from dataclasses import replace
from typing import cast

import numpy as np

from imgxlate.errors import ImageError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.pixel_format import MAX_CHANNELS, PixelFormat, Range, ValueType, own_range

_PERCENTILES = (1, 99)


def image_of_values(values: np.ndarray, pixels: PixelFormat, name: str = "array") -> tuple[ImageArray, str | None]:
    """(H, W, C) of any type as an image with floats in [-1, 1], and a note if values are clipped.

    Raises:
        ImageError: the image has other channels than `pixels`, values that are not finite, or values without a range.
    """
    values = _with_channels(values, pixels.channels, name)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ImageError(name, "has values that are not finite (NaN or infinity)", hint="Replace them first.")
    own = pixels.range or (None if pixels.percentiles else _own_range(values, name))
    low, high = percentiles(values) if own is None or pixels.percentiles else own
    floats = (values.astype(np.float64) - low) * (2 / (high - low) if high > low else 0.0) - 1
    kind = pixels.type or cast(ValueType, values.dtype.name)
    image = ImageArray(floats.clip(-1, 1).astype(np.float32), pixels=replace(pixels, range=own, type=kind))
    return image, None if pixels.percentiles else _clipping(floats, (low, high))


def restored(image: ImageArray) -> np.ndarray:
    """The values (H, W, C) of an image with floats in [-1, 1], in its type and range: inverts `image_of_values`."""
    pixels = image.pixels or PixelFormat(image.rgb.shape[2])
    kind = np.dtype(pixels.type or "float32")
    low, high = pixels.range or own_range(kind.name) or (0.0, 1.0)
    values = (image.rgb.astype(np.float64) + 1) * ((high - low) / 2) + low
    if kind.kind == "f":
        return values.astype(kind)
    limits = np.iinfo(kind)
    return values.round().clip(limits.min, limits.max).astype(kind)


def percentiles(values: np.ndarray) -> Range:
    """The 1st and the 99th percentile of the values of an image, over all channels."""
    low, high = np.percentile(values.astype(np.float64), _PERCENTILES)
    return float(low), float(high)


def channels_last(values: np.ndarray, name: str = "array") -> np.ndarray:
    """(H, W), (H, W, C) or (C, H, W) as (H, W, C). The channels are the axis of at most 16, at the end or the start.

    Raises:
        ImageError: the array is none of these, or holds no numbers.
    """
    if values.dtype.kind not in "uif" or values.dtype.itemsize > 8 or not values.size:
        raise ImageError(name, f"must be an array of numbers, not {values.shape} of {values.dtype}")
    if values.ndim == 2:
        return values[..., None]
    if values.ndim == 3 and values.shape[2] <= MAX_CHANNELS:
        return values
    if values.ndim == 3 and values.shape[0] <= MAX_CHANNELS:
        return np.moveaxis(values, 0, -1)
    raise ImageError(
        name,
        f"has the shape {values.shape}; an image is (H, W), (H, W, C) or (C, H, W) with up to {MAX_CHANNELS} channels",
        hint="Save each slice of a volume as an image of its own.",
    )


def _with_channels(values: np.ndarray, channels: int, name: str) -> np.ndarray:
    """The values with so many channels: gray that is stored as red, green and blue becomes one channel.

    Raises:
        ImageError: the image has another number of channels.
    """
    given = values.shape[2]
    if given == channels:
        return values
    if (given, channels) == (3, 1):
        if (values == values[..., :1]).all():
            return values[..., :1]
        raise ImageError(
            name,
            "is in color, where gray images, of 1 channel, are needed",
            hint=f"Convert it first: `magick {name} -colorspace gray gray.png`.",
        )
    if (given, channels) == (1, 3):
        raise ImageError(
            name, "is gray, where images of 3 channels are needed", hint="Repeat the channel three times first."
        )
    plural = "channel" if given == 1 else "channels"
    raise ImageError(
        name,
        f"has {given} {plural}, where {channels} are needed",
        hint="Choose the channels that the model was trained with, in their order, and save them as .npy or TIFF.",
    )


def _own_range(values: np.ndarray, name: str) -> Range:
    """The range of the type of the values, if they lie in it.

    Raises:
        ImageError: the type has no range of its own, or values lie outside.
    """
    found, low, high = own_range(values.dtype.name), float(values.min()), float(values.max())
    if found is None or low < found[0] or high > found[1]:
        usual = f"from {found[0]:g} to {found[1]:g}" if found else "uint8, uint16 or floats from 0 to 1"
        raise ImageError(
            name,
            f"has {values.dtype} values from {low:g} to {high:g}, and the model does not say what range they have",
            hint=f"Scale them to the range that the model was trained with: {usual}.",
        )
    return found


def _clipping(floats: np.ndarray, bounds: Range) -> str | None:
    """A note on the share of values outside [-1, 1], which stands for `bounds`; None: there are none."""
    share = float((np.abs(floats) > 1 + 1e-9).mean())
    if not share:
        return None
    percent = f"{share:.1%}" if share >= 0.001 else "less than 0.1%"
    return f"{percent} of its values are outside of {bounds[0]:g} to {bounds[1]:g}, and are clipped"
