"""Turns the pixels of a picture of any mode into 8-bit sRGB and transparency."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageMode

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0


class UnclearPixelsError(ValueError):
    """Numbers of which nobody can say how bright they are; the message is meant for the user."""


def separate(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours (mode RGB, sRGB) and the transparency (mode L; None where there is none) of a loaded picture.

    Raises:
        UnclearPixelsError: 32-bit numbers outside the range that has a common meaning.
    """
    colours, alpha = _eight_bit(image)
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return _through_profile(colours, profile), alpha
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass  # A broken profile, or another kind of picture's: the numbers as they are come nearest.
    return colours.convert("RGB"), alpha


def _eight_bit(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colours in mode L, RGB or CMYK, and the transparency."""
    if image.mode == "F":
        return _from_floats(image), None
    if image.mode.startswith("I"):
        return _from_integers(image)
    grey = ImageMode.getmode(image.mode).basemode == "L"
    if image.has_transparency_data:
        mixed = image.convert("LA" if grey else "RGBA")
        return mixed.convert("L" if grey else "RGB"), mixed.getchannel("A")
    if image.mode == "CMYK":
        return image, None
    return image.convert("L" if grey else "RGB"), None


def _from_floats(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if not (values.min() >= 0 and values.max() <= 1):  # False for NaN too.
        raise UnclearPixelsError("floating-point pixels are read only where all lie between 0 and 1")
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def _from_integers(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    values = np.asarray(image)
    white = _white(image)
    if values.min() < 0 or values.max() > white:
        raise UnclearPixelsError(f"whole-number pixels are read only where all lie between 0 and {white}")
    grey = ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
    if _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey  # Pillow does this for 8 bits only.
    transparent = image.info.get("transparency")
    alpha = None if transparent is None else np.where(values == transparent, 0, 255).astype(np.uint8)
    return Image.fromarray(grey), None if alpha is None else Image.fromarray(alpha)


def _white(image: Image.Image) -> int:
    """The number that means white: by the bits of a sample, of which Pillow gives 12 as they are and others as 16."""
    return 4095 if _tiff_tag(image, _BITS_PER_SAMPLE) == (12,) else 65535


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)


def _through_profile(colours: Image.Image, profile: bytes) -> Image.Image:
    """Convert by the ICC profile to sRGB.

    Raises:
        PyCMSError, OSError, TypeError, ValueError: the profile is broken or for another kind of picture.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if colours.mode != "L":
        return _converted(colours, source)
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    if source.profile.xcolor_space.strip() == "RGB":
        ramp = ramp.convert("RGB")
    # One level at a time: what speeds up a conversion of many is ten levels off where a curve is steep.
    table = np.asarray(_converted(ramp, source, ImageCms.Flags.NOOPTIMIZE))[0]  # (256, 3)
    return Image.fromarray(table[np.asarray(colours)])


def _converted(
    colours: Image.Image, source: ImageCms.ImageCmsProfile, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.buildTransform(source, srgb, colours.mode, "RGB", flags=flags).apply(colours)
    plain = colours.convert("RGB")
    return plain if colours.mode != "CMYK" and _alike(plain, converted) else converted


def _alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether two RGB pictures differ by a grey level at most, as rounding makes of a profile that is sRGB itself."""
    extrema = ImageChops.difference(one, other).getextrema()
    return all(band[1] <= 1 for band in extrema if isinstance(band, tuple))
