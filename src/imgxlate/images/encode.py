"""Writing image files. The same image gives the same bytes. They hold only the metadata that is given."""

import io
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from PIL import Image

from imgxlate import atomic
from imgxlate.errors import FormatError, UsageError
from imgxlate.images import sixteen_bits
from imgxlate.images.formats import OUTPUT_FORMATS
from imgxlate.images.image_array import ImageArray
from imgxlate.images.metadata import NONE, Metadata, pillow_options, with_png_metadata
from imgxlate.images.pil import to_pil
from imgxlate.images.sizes import Size
from imgxlate.images.srgb import in_profile

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SUFFIXES = tuple(OUTPUT_FORMATS)
"""The suffixes, in lower case, that can be written."""

_KEEP_ALPHA = frozenset({"PNG", "WEBP", "TIFF"})

_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # pixels

_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"subsampling": "4:4:4"},
    # About twice as fast as Pillow's default of 6. The files of photographs are 2 to 9 percent larger.
    "PNG": {"compress_level": 2},
    # `exact` keeps the colors under transparent pixels. For lossless files `quality` is the effort: 20 is up to nine
    # times faster than the default, and the files are up to 30 percent larger.
    "WEBP": {"lossless": True, "exact": True, "quality": 20, "method": 2},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


def encode(image: ImageArray, suffix: str, *, jpeg_quality: int = 95, metadata: Metadata = NONE) -> bytes:
    """The bytes of an image file in the format of `suffix`, such as ".png" or ".PNG".

    Transparency is kept if the format supports it. Otherwise the image is laid on white. `jpeg_quality`, from 1 to 100,
    applies to JPEG only; the other formats are lossless. An image of 16 bits is written with 16 bits.

    Raises:
        UsageError: no format has that suffix, or it does not hold 16 bits.
        FormatError: the format cannot hold an image of that size.
    """
    _require_fitting(image, suffix)
    file = io.BytesIO()
    _write(image, suffix, file, metadata, jpeg_quality)
    return file.getvalue()


def save(image: ImageArray, path: Path, metadata: Metadata = NONE, record: tuple[Path, bytes] | None = None) -> None:
    """Write the image to `path` in the format of its suffix, completely or not at all. The bytes are those of `encode`.

    `record` is a file that appears together with the image, and its content.

    Raises:
        UsageError: no format has that suffix, or it does not hold 16 bits.
        OutputError: the file cannot be written.
        FormatError: the format cannot hold an image of that size.
    """
    _require_fitting(image, path.suffix)
    with atomic.described_writer(path, *record) if record else atomic.writer(path) as file:
        _write(image, path.suffix, file, metadata)


def _write(image: ImageArray, suffix: str, file: IO[bytes], metadata: Metadata, jpeg_quality: int = 95) -> None:
    if metadata.profile:
        colors = in_profile(image.rgb, metadata.profile)
        image = image if colors is None else image.with_rgb(colors)
        metadata = replace(metadata, profile=None) if colors is None else metadata
    if _format(suffix) == "PNG" and metadata != NONE:
        whole = io.BytesIO()
        _write_pixels(image, suffix, whole, NONE)
        file.write(with_png_metadata(whole.getvalue(), metadata))
    else:
        _write_pixels(image, suffix, file, metadata, jpeg_quality)


def _write_pixels(image: ImageArray, suffix: str, file: IO[bytes], metadata: Metadata, jpeg_quality: int = 95) -> None:
    if image.depth == 16:
        return sixteen_bits.write(image, suffix, file, metadata)
    kind = _format(suffix)
    options = {**_OPTIONS.get(kind, {}), **pillow_options(metadata, kind)}
    quality = {"quality": jpeg_quality} if kind == "JPEG" else {}
    sink = cast(IO[bytes], _Sink(file))
    return _pil(image, keep_alpha=kind in _KEEP_ALPHA).save(sink, kind, **options, **quality)


class _Sink(io.RawIOBase):
    """A file without a descriptor, to which libtiff would write by itself, and print its errors."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: "ReadableBuffer", /) -> int:
        return self._file.write(data)


def longest_side(suffix: str) -> int | None:
    """The longest side, in pixels, that the format of `suffix` allows, or None if it has no limit.

    Raises:
        UsageError: no format has that suffix.
    """
    return _LONGEST_SIDE.get(_format(suffix))


def require_size(size: Size, suffix: str) -> None:
    """Check that the format of `suffix` can hold an image of that size.

    Raises:
        UsageError: no format has that suffix.
        FormatError: the image is too large for the format.
    """
    longest = longest_side(suffix)
    if longest is not None and max(size) > longest:
        height, width = size
        raise FormatError(
            f"{width} x {height} pixels cannot be written as {_format(suffix)}: its longest side is {longest}",
            hint="Write a .png or .tif file.",
        )


def _require_fitting(image: ImageArray, suffix: str) -> None:
    """Check that the format of `suffix` can hold an image of that size and depth.

    Raises:
        UsageError: no format has that suffix, or it does not hold 16 bits.
        FormatError: the image is too large for the format.
    """
    require_size(image.size, suffix)
    if image.depth == 16:
        sixteen_bits.require_suffix(suffix)


def _format(suffix: str) -> str:
    try:
        return OUTPUT_FORMATS[suffix.lower()]
    except KeyError:
        what = f"no image format has the suffix {suffix!r}" if suffix else "an image needs a suffix"
        raise UsageError(what, hint=f"Suffixes that can be written: {', '.join(SUFFIXES)}.") from None


def _pil(image: ImageArray, *, keep_alpha: bool) -> Image.Image:
    pil = to_pil(image)
    if keep_alpha or image.alpha is None:
        return pil
    white = Image.new("RGB", pil.size, "white")
    white.paste(pil, mask=pil.getchannel("A"))
    return white
