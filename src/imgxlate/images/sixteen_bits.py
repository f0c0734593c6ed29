"""Images with 16 bits in each of several channels, which Pillow reads with 8 and does not write."""

import contextlib
import io
import logging
from typing import IO

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from imgxlate.errors import UsageError
from imgxlate.images.formats import SIXTEEN_BIT_SUFFIXES
from imgxlate.images.image_array import ImageArray, upright
from imgxlate.images.limits import SIXTEEN_BITS, TWELVE_BITS, find_white
from imgxlate.images.metadata import NONE, Metadata, tifffile_options

_BITS_PER_SAMPLE, _PHOTOMETRIC, _ORIENTATION, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 258, 262, 274, 338, 339  # TIFF tags
_RGB, _UNSIGNED = 2, 1
_UNSPECIFIED, _PREMULTIPLIED = 0, 1  # extra samples

_COLOR_TYPES = {2, 4, 6}  # of PNG: RGB, gray with transparency, RGB with transparency
_COMPRESSION = 2  # as for 8 bits; see `imgxlate.images.encode`

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # It reports what it finds odd about a file.


def has_sixteen_bits(image: Image.Image, data: bytes) -> bool:
    """Whether a file, which Pillow opened as `image`, has 16 bits in each of several channels of gray or RGB."""
    if image.format == "PNG":
        return data[24] == 16 and data[25] in _COLOR_TYPES  # bit depth and color type, in the header
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        bits, formats = tags.get(_BITS_PER_SAMPLE, ()), tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))
        return tags.get(_PHOTOMETRIC) == _RGB and set(bits) == {16} and set(formats) == {_UNSIGNED}
    return False


def is_dark(image: Image.Image) -> bool:
    """Whether an image that `has_sixteen_bits` may hold 12 bits in 16. Pillow has read the upper 8 of the 16 bits."""
    colors = [band for band in image.getbands() if band != "A"]
    return all(np.asarray(image.getchannel(band)).max() <= TWELVE_BITS >> 8 for band in colors)


def separate(data: bytes, profile: bytes | None, white: int | None = None) -> tuple[np.ndarray, np.ndarray | None, int]:
    """The colors (H, W, 3) in sRGB and the transparency (H, W), or None, as uint16; and the value of white.

    That is `white`, or found if `white` is None. The file is one that `has_sixteen_bits`. A TIFF file's orientation is
    applied, as Pillow does. A PNG file's is not.
    """
    values, has_alpha = _read_png(data) if data.startswith(b"\x89PNG") else _read_tiff(data)
    colors = values[..., : values.shape[2] - has_alpha]
    found = find_white(int(colors.max()), white)
    gray_or_rgb = with_white(colors[..., 0] if colors.shape[2] == 1 else colors[..., :3], found)
    return in_srgb(gray_or_rgb, profile), values[..., -1] if has_alpha else None, found


def with_white(values: np.ndarray, white: int) -> np.ndarray:
    """The values with `white` scaled to 65535. Larger values become white, too."""
    if white == SIXTEEN_BITS:
        return values
    brightened: np.ndarray = (np.minimum(values, white).astype(np.uint32) * SIXTEEN_BITS + white // 2) // white
    return brightened.astype(np.uint16)


def in_srgb(colors: np.ndarray, profile: bytes | None) -> np.ndarray:
    """(H, W, 3) uint16 in sRGB of (H, W) or (H, W, 3) uint16, through the ICC profile.

    A profile that is broken, or for another kind of image, is ignored. So is one that is sRGB itself.
    """
    rgb = _repeated(colors) if colors.ndim == 2 else colors
    if profile:
        is_gray = profile[16:20] == b"GRAY"  # the color space, in the header
        with contextlib.suppress(imagecodecs.CmsError):
            if not _is_srgb(profile, is_gray):
                return _through_profile(colors if is_gray else rgb, profile, is_gray)
    return rgb


def write(image: ImageArray, suffix: str, file: IO[bytes], metadata: Metadata = NONE) -> None:
    """Write an image of 16 bits to a file in the format of `suffix`: .png (without the metadata), .tif or .tiff.

    Raises:
        UsageError: no other format holds 16 bits.
    """
    require_suffix(suffix)
    values = image.rgb if image.alpha is None else np.dstack([image.rgb, image.alpha])
    if suffix.lower() == ".png":
        file.write(imagecodecs.png_encode(np.ascontiguousarray(values), level=_COMPRESSION))
    else:
        tifffile.imwrite(
            file,
            values,
            photometric="rgb",
            extrasamples=["unassalpha"] if image.alpha is not None else None,
            compression="zlib",
            compressionargs={"level": _COMPRESSION},
            predictor=True,
            byteorder="<",
            metadata=None,
            software=False,
            maxworkers=1,
            **tifffile_options(metadata),
        )


def out_of_srgb(colors: np.ndarray, profile: bytes) -> np.ndarray | None:
    """(H, W, 3) uint16 in the colors of an ICC profile of RGB; None if the profile has no way back."""
    try:
        converted: np.ndarray = imagecodecs.cms_transform(
            np.ascontiguousarray(colors),
            imagecodecs.cms_profile("srgb"),
            profile,
            colorspace="rgb",
            outcolorspace="rgb",
            flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
        )
    except imagecodecs.CmsError:
        return None
    return converted


def require_suffix(suffix: str) -> None:
    """Check that the format of `suffix` holds 16 bits.

    Raises:
        UsageError: it does not.
    """
    if suffix.lower() not in SIXTEEN_BIT_SUFFIXES:
        raise UsageError(
            f"{suffix} files have no 16 bits per channel",
            hint=f"Write one of {' '.join(SIXTEEN_BIT_SUFFIXES)}, or 8 bits.",
        )


def _read_png(data: bytes) -> tuple[np.ndarray, bool]:
    """The values (H, W, C), and whether the last channel is the transparency."""
    values = imagecodecs.png_decode(data)
    return values, values.shape[2] in (2, 4)


def _read_tiff(data: bytes) -> tuple[np.ndarray, bool]:
    """The values (H, W, C) of the first image, upright, and whether the last channel is the transparency."""
    with io.BytesIO(data) as stream, tifffile.TiffFile(stream) as file:
        page = file.pages.first
        if page.axes not in ("YXS", "SYX"):
            # A volume could be far larger than the image whose size was checked.
            raise ValueError(f"the axes {page.axes} are not those of an image")
        values = page.asarray(maxworkers=1)
        values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
        tags = {tag.code: tag.value for tag in page.tags}
    values = upright(values, tags.get(_ORIENTATION, 1))[..., :4]
    extra = (*tags.get(_EXTRA_SAMPLES, ()), None)[0]
    if values.shape[2] == 3 or extra == _UNSPECIFIED:
        return values[..., :3], False
    return _with_full_colors(values) if extra == _PREMULTIPLIED else values, True


def _with_full_colors(values: np.ndarray) -> np.ndarray:
    """RGBA whose colors were multiplied by the transparency, with the colors as they were before."""
    alpha = values[..., 3:].astype(np.uint32)
    colors = (values[..., :3].astype(np.uint32) * 65535 + alpha // 2) // np.maximum(alpha, 1)
    return np.dstack([colors.clip(0, 65535).astype(np.uint16), values[..., 3]])


def _repeated(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray[..., None], 3, axis=2)


def _is_srgb(profile: bytes, is_gray: bool) -> bool:
    """Whether no color changes by more than one of 256 levels: the conversion of a large image takes seconds."""
    axis = np.linspace(0, 65535, 256 if is_gray else 17).astype(np.uint16)
    sample = axis[None] if is_gray else np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(1, -1, 3)
    expected = _repeated(sample) if is_gray else sample
    converted = _through_profile(sample, profile, is_gray)
    return bool(np.abs(converted.astype(int) - expected).max() <= 257)


def _through_profile(colors: np.ndarray, profile: bytes, is_gray: bool) -> np.ndarray:
    """(H, W, 3) in sRGB of (H, W), if the profile is of gray, or else (H, W, 3).

    Raises:
        CmsError: the profile is broken, or for another kind of image.
    """
    if is_gray and colors.ndim == 3:
        raise imagecodecs.CmsError("a profile of gray for an image in color")
    converted: np.ndarray = imagecodecs.cms_transform(
        np.ascontiguousarray(colors),
        profile,
        imagecodecs.cms_profile("srgb"),
        colorspace="gray" if is_gray else "rgb",
        outcolorspace="rgb",
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,  # The faster conversion is up to 15 of 256 levels off in dark colors.
    )
    return converted
