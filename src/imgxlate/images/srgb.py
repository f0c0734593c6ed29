"""Converting images of any mode to sRGB and transparency."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageMode

from imgxlate.images import sixteen_bits
from imgxlate.images.image_array import Depth, full_scale
from imgxlate.images.limits import SIXTEEN_BITS, TWELVE_BITS, find_white
from imgxlate.images.sizes import bands

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0
_BAND_PIXELS = 1 << 20

_Conversion = Callable[[Image.Image], Image.Image]


class UnclearPixelsError(ValueError):
    """Pixel values whose brightness is not defined. The message is meant for the user."""


def separate(
    image: Image.Image, depth: Depth = 8, white: int | None = None
) -> tuple[np.ndarray, np.ndarray | None, int | None]:
    """The colors (H, W, 3) in sRGB and the transparency (H, W), or None, of a loaded image, as uint8.

    With a `depth` of 16, those of an image with more than 8 bits a pixel in a single channel are uint16. The third
    result is the value of white in an image of 16 bits, which is `white`, or found if that is None; else None.

    Raises:
        UnclearPixelsError: 32-bit values outside the range that has a common meaning.
    """
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        gray, opacity, found = _from_floats(image, depth) if image.mode == "F" else _from_integers(image, depth, white)
        return _gray_in_srgb(gray, profile), opacity, found
    colors, alpha = _eight_bit(image)
    opacity = None if alpha is None else np.asarray(alpha)
    if colors.mode == "L":
        return _gray_in_srgb(np.asarray(colors), profile), opacity, None
    return _in_bands(colors, _conversion(colors, profile)), opacity, None


def in_profile(colors: np.ndarray, profile: bytes) -> np.ndarray | None:
    """Colors (H, W, 3) in sRGB, in those of an ICC profile of RGB; None if the profile is broken or has no way back."""
    if colors.dtype == np.uint16:
        return sixteen_bits.out_of_srgb(colors, profile)
    try:
        target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), target, "RGB", "RGB")
        return _in_bands(Image.fromarray(np.ascontiguousarray(colors)), transform.apply)
    except _BROKEN:
        return None


def _eight_bit(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colors in mode L, RGB, RGBA or CMYK, and the transparency. The A of RGBA is ignored."""
    gray = ImageMode.getmode(image.mode).basemode == "L"
    if image.has_transparency_data:
        mixed = _in_mode(image, "LA" if gray else "RGBA")
        return mixed.convert("L") if gray else mixed, mixed.getchannel("A")
    return (image if image.mode == "CMYK" else _in_mode(image, "L" if gray else "RGB")), None


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def _from_floats(image: Image.Image, depth: Depth) -> tuple[np.ndarray, None, None]:
    values = np.asarray(image)
    if not (values.min() >= 0 and values.max() <= 1):  # False for NaN too.
        raise UnclearPixelsError("floating-point pixels must all be between 0 and 1")
    return _integers(np.rint(values * full_scale(depth)), depth), None, None


def _from_integers(
    image: Image.Image, depth: Depth, white: int | None
) -> tuple[np.ndarray, np.ndarray | None, int | None]:
    values = np.asarray(image)
    largest, brightest = _largest(image), int(values.max())
    if values.min() < 0 or brightest > largest:
        raise UnclearPixelsError(f"integer pixels must all be between 0 and {largest}")
    found = find_white(brightest, white) if largest == SIXTEEN_BITS else None
    white = found or largest
    transparent = image.info.get("transparency")
    alpha = None if transparent is None else _integers(np.where(values == transparent, 0, full_scale(depth)), depth)
    if brightest > white:
        values = np.minimum(values, white)
    most = full_scale(depth)
    gray = _integers((values.astype(np.uint32) * most + white // 2) // white, depth)
    if _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        gray = most - gray  # Pillow does this for 8 bits only.
    return gray, alpha, found


def _integers(values: np.ndarray, depth: Depth) -> np.ndarray:
    return values.astype(np.uint16 if depth == 16 else np.uint8)


def _largest(image: Image.Image) -> int:
    """The largest value. Pillow leaves 12-bit samples as they are, and scales others to 16 bits."""
    return TWELVE_BITS if _tiff_tag(image, _BITS_PER_SAMPLE) == (12,) else SIXTEEN_BITS


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)


def _gray_in_srgb(gray: np.ndarray, profile: bytes | None) -> np.ndarray:
    """(H, W, 3) in sRGB of (H, W), through the ICC profile."""
    if gray.dtype == np.uint16:
        return sixteen_bits.in_srgb(gray, profile)
    if profile:
        try:
            return np.take(_gray_table(profile), gray, axis=0)
        except _BROKEN:
            pass  # As in `_conversion`.
    return np.repeat(gray[..., None], 3, axis=2)


def _gray_table(profile: bytes) -> np.ndarray:
    """(256, 3): the color of each gray level."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    if source.profile.xcolor_space.strip() == "RGB":
        ramp = ramp.convert("RGB")
    # NOOPTIMIZE: the faster conversion is up to ten levels off where the curve is steep.
    to_srgb = _to_srgb(source, ramp.mode, ImageCms.Flags.NOOPTIMIZE)
    table: np.ndarray = np.asarray(_plain(ramp) if _alike(ramp, to_srgb) else to_srgb(ramp))[0]
    return table


_BROKEN = (ImageCms.PyCMSError, OSError, TypeError, ValueError)


def _conversion(colors: Image.Image, profile: bytes | None) -> _Conversion:
    """How to convert rows of `colors` to RGB: through the ICC profile, unless it is broken or makes no difference."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            to_srgb = _to_srgb(source, "RGB" if colors.mode == "RGBA" else colors.mode)
            if colors.mode == "CMYK" or not all(_alike(band, to_srgb) for band in _bands(colors)):
                return to_srgb
        except _BROKEN:
            pass  # A broken profile, or one for another mode. Assume sRGB.
    return _plain


def _to_srgb(source: ImageCms.ImageCmsProfile, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE) -> _Conversion:
    """The conversion of images in `mode` (L, RGB or CMYK) to sRGB."""
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
    return lambda image: transform.apply(_in_mode(image, mode))


def _plain(colors: Image.Image) -> Image.Image:
    return _in_mode(colors, "RGB")


def _alike(image: Image.Image, to_srgb: _Conversion) -> bool:
    """Whether a conversion changes colors by one level at most, as it does by rounding if the profile is sRGB."""
    extrema = ImageChops.difference(_plain(image), to_srgb(image)).getextrema()
    return all(band[1] <= 1 for band in extrema if isinstance(band, tuple))


def _in_bands(colors: Image.Image, convert: _Conversion) -> np.ndarray:
    """(H, W, 3), converted a few rows at a time: a copy of all Pillow's pixels takes more memory than the result."""
    rgb = np.empty((colors.height, colors.width, 3), np.uint8)
    top = 0
    for band in _bands(colors):
        rgb[top : top + band.height] = np.asarray(convert(band))
        top += band.height
    return rgb


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    for rows in bands((image.height, image.width), _BAND_PIXELS):
        yield image.crop((0, rows.start, image.width, rows.stop))
