"""Converting images of any mode to 8-bit sRGB and transparency."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageMode

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0


class UnclearPixelsError(ValueError):
    """Pixel values whose brightness is not defined. The message is meant for the user."""


def separate(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colors (mode RGB, in sRGB) and the transparency (mode L, or None) of a loaded image.

    Raises:
        UnclearPixelsError: 32-bit values outside the range that has a common meaning.
    """
    colors, alpha = _eight_bit(image)
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return _through_profile(colors, profile), alpha
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass  # A broken profile, or one for another mode. Assume sRGB.
    return colors.convert("RGB"), alpha


def _eight_bit(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colors in mode L, RGB or CMYK, and the transparency."""
    if image.mode == "F":
        return _from_floats(image), None
    if image.mode.startswith("I"):
        return _from_integers(image)
    gray = ImageMode.getmode(image.mode).basemode == "L"
    if image.has_transparency_data:
        mixed = image.convert("LA" if gray else "RGBA")
        return mixed.convert("L" if gray else "RGB"), mixed.getchannel("A")
    if image.mode == "CMYK":
        return image, None
    return image.convert("L" if gray else "RGB"), None


def _from_floats(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if not (values.min() >= 0 and values.max() <= 1):  # False for NaN too.
        raise UnclearPixelsError("floating-point pixels must all be between 0 and 1")
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def _from_integers(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    values = np.asarray(image)
    white = _white(image)
    if values.min() < 0 or values.max() > white:
        raise UnclearPixelsError(f"integer pixels must all be between 0 and {white}")
    gray = ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
    if _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        gray = 255 - gray  # Pillow does this for 8 bits only.
    transparent = image.info.get("transparency")
    alpha = None if transparent is None else np.where(values == transparent, 0, 255).astype(np.uint8)
    return Image.fromarray(gray), None if alpha is None else Image.fromarray(alpha)


def _white(image: Image.Image) -> int:
    """The value of white. Pillow leaves 12-bit samples as they are, and scales others to 16 bits."""
    return 4095 if _tiff_tag(image, _BITS_PER_SAMPLE) == (12,) else 65535


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)


def _through_profile(colors: Image.Image, profile: bytes) -> Image.Image:
    """Convert from the ICC profile to sRGB.

    Raises:
        PyCMSError, OSError, TypeError, ValueError: the profile is broken or for another mode.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if colors.mode != "L":
        return _converted(colors, source)
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    if source.profile.xcolor_space.strip() == "RGB":
        ramp = ramp.convert("RGB")
    # NOOPTIMIZE: the faster conversion is up to ten levels off where the curve is steep.
    table = np.asarray(_converted(ramp, source, ImageCms.Flags.NOOPTIMIZE))[0]  # (256, 3)
    return Image.fromarray(table[np.asarray(colors)])


def _converted(
    colors: Image.Image, source: ImageCms.ImageCmsProfile, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.buildTransform(source, srgb, colors.mode, "RGB", flags=flags).apply(colors)
    plain = colors.convert("RGB")
    return plain if colors.mode != "CMYK" and _alike(plain, converted) else converted


def _alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether two RGB images differ by one level at most, as they do by rounding if the profile is sRGB."""
    extrema = ImageChops.difference(one, other).getextrema()
    return all(band[1] <= 1 for band in extrema if isinstance(band, tuple))
