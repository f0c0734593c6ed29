"""Writes image files: the pixels and nothing else, the same bytes for the same picture."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imgxlate import atomic
from imgxlate.errors import OutputError, UsageError
from imgxlate.images.formats import OUTPUT_FORMATS
from imgxlate.images.image_array import ImageArray

SUFFIXES = tuple(OUTPUT_FORMATS)
"""The suffixes, in lower case, that can be written."""

_KEEP_ALPHA = frozenset({"PNG", "WEBP", "TIFF"})

_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # pixels

_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"subsampling": "4:4:4"},
    # Exact keeps the colours under transparent pixels. In lossless files quality is effort: 20 is up to nine times
    # faster than the default, and the files are a few to thirty per cent larger.
    "WEBP": {"lossless": True, "exact": True, "quality": 20, "method": 2},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


def encode(picture: ImageArray, suffix: str, *, jpeg_quality: int = 95) -> bytes:
    """The bytes of an image file in the format that `suffix` (".png", in either case) stands for.

    Transparency is kept where the format has it; else the picture is laid on white. No metadata is written.
    `jpeg_quality`, from 1 to 100, is JPEG's alone: the other formats that are written lose nothing.

    Raises:
        UsageError: no format has that suffix; names those that have.
        OutputError: the format cannot hold a picture of that size.
    """
    kind = _format(suffix)
    require_room(picture, suffix)
    file = io.BytesIO()
    quality = {"quality": jpeg_quality} if kind == "JPEG" else {}
    _image(picture, keep_alpha=kind in _KEEP_ALPHA).save(file, kind, **_OPTIONS.get(kind, {}), **quality)
    return file.getvalue()


def save(picture: ImageArray, path: Path) -> None:
    """Write the picture to `path`, whole or not at all, in the format of its suffix.

    Raises:
        UsageError: no format has that suffix.
        OutputError: the file cannot be written.
    """
    atomic.write_bytes(path, encode(picture, path.suffix))


def longest_side(suffix: str) -> int | None:
    """The longest side, in pixels, that the format of `suffix` can have, or None if it has no such limit.

    Raises:
        UsageError: no format has that suffix; names those that have.
    """
    return _LONGEST_SIDE.get(_format(suffix))


def require_room(picture: ImageArray, suffix: str) -> None:
    """Check that the format that `suffix` stands for can hold a picture of that size.

    Raises:
        UsageError: no format has that suffix; names those that have.
        OutputError: it cannot.
    """
    kind = _format(suffix)
    longest = _LONGEST_SIDE.get(kind)
    if longest is not None and max(picture.size) > longest:
        height, width = picture.size
        raise OutputError(
            f"{width} x {height} pixels cannot be written as {kind}, whose sides end at {longest}",
            hint="Write a .png or .tif file.",
        )


def _format(suffix: str) -> str:
    try:
        return OUTPUT_FORMATS[suffix.lower()]
    except KeyError:
        what = f"no image format has the suffix {suffix!r}" if suffix else "an image needs a suffix"
        raise UsageError(what, hint=f"Suffixes that can be written: {', '.join(SUFFIXES)}.") from None


def _image(picture: ImageArray, *, keep_alpha: bool) -> Image.Image:
    colours = Image.fromarray(np.ascontiguousarray(picture.rgb))
    if picture.alpha is None:
        return colours
    alpha = Image.fromarray(np.ascontiguousarray(picture.alpha))
    if keep_alpha:
        colours.putalpha(alpha)
        return colours
    white = Image.new("RGB", colours.size, "white")
    white.paste(colours, mask=alpha)
    return white
