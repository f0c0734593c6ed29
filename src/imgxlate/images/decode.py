"""Reading image files. No other module opens one."""

import contextlib
import importlib
import io
import logging
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from imgxlate.errors import ImageError, disk_hint
from imgxlate.images import missing, sixteen_bits, sniff, tiff_kinds
from imgxlate.images.formats import INPUT_FORMATS
from imgxlate.images.image_array import Depth, ImageArray, upright
from imgxlate.images.inputs import STDIO, Source
from imgxlate.images.limits import DEFAULT, SIXTEEN_BITS, Limits, white_note
from imgxlate.images.metadata import TEXT_KEY, Metadata, metadata_of
from imgxlate.images.pixel_guard import PIXEL_GUARD
from imgxlate.images.silence import WARNINGS_IGNORED, silence_libtiff
from imgxlate.images.sizes import Size
from imgxlate.images.srgb import UnclearPixelsError, separate

silence_libtiff()
logging.getLogger("PIL").addHandler(logging.NullHandler())  # It reports what it finds odd about a file.

_ALMOST_BLACK = 15  # of 255
_LABELS = (
    f"no value is above {_ALMOST_BLACK} of 255, so the image is almost black. If the values are labels, such as those "
    "of a mask, map them to colors first"
)
_CHUNK = 1 << 20  # bytes that are read at once
_SERIES = ("TIFF", "GIF", "WEBP", "PNG", "AVIF")  # formats whose later images are pages or frames, not previews
_FIRST_ONLY = (
    "the file holds several images, and only the first is read. Split it into files to read all of them, "
    "for example with `magick FILE -coalesce frames/%05d.png`"
)


@dataclass(frozen=True, slots=True)
class Header:
    """The size of an image and how its pixels are stored."""

    size: Size  # upright
    mode: str  # Pillow's name, such as "RGB", "L" or "CMYK"


def decode(
    source: Path | bytes,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT,
    sufficient_side: int | None = None,
    depth: Depth = 8,
) -> ImageArray:
    """Read an image from a file or from its bytes: upright, in sRGB, the first frame of an animation.

    The EXIF orientation and the ICC profile are applied, and ignored if they are broken. With a `depth` of 8, 16-bit
    values are rounded to 8 bits. With 16, PNG and TIFF images that have more than 8 bits per channel become uint16, and
    others stay uint8. `limits` also gives the value of white in images of 16 bits. `name` is the name of the image in
    messages, by default the path. With `sufficient_side`, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size if its
    shorter side keeps at least that many pixels. This is several times faster.

    Raises:
        ImageError: the image cannot be read: the file, its size, its format, damage.
    """
    path = name or (source if isinstance(source, Path) else "image data")
    file = io.BytesIO(read_file(source, path, limits) if isinstance(source, Path) else source)
    head, size = file.read(sniff.HEAD), file.seek(0, io.SEEK_END)
    if not size:
        raise ImageError(path, "the file is empty")
    if size > limits.file_bytes:
        reason = f"the file is larger than the limit of {limits.file_bytes:,} bytes"
        raise ImageError(path, reason, hint="A higher limit of pixels allows larger files, too: `--max-pixels 500M`.")
    with WARNINGS_IGNORED, failures_as_image_errors(path, head, limits, file), PIXEL_GUARD.allowing(limits.pixels):
        stored, orientation = _stored(file, path, limits, sufficient_side, depth)
        return _upright(stored, orientation)


def decode_source(source: Source, limits: Limits = DEFAULT, depth: Depth = 8) -> ImageArray:
    """Decode an input of a command, standard input included.

    Raises:
        ImageError: the image cannot be read.
    """
    if source.path is not None:
        return decode(source.path, limits=limits, depth=depth)
    return decode(read_source(source, limits), name=STDIO, limits=limits, depth=depth)


def read_source(source: Source, limits: Limits = DEFAULT) -> bytes:
    """The bytes of an input of a command, standard input included; at most one more than the limit.

    Raises:
        ImageError: the file cannot be read.
    """
    if source.path is not None:
        return read_file(source.path, source.path, limits)
    if sys.stdin is None:
        raise ImageError(STDIO, "standard input is closed")
    return _read_at_most(sys.stdin.buffer, limits.file_bytes + 1)


def read_header(file: Path) -> Header:
    """Read the size and the mode of an image file, without its pixels.

    Raises:
        ImageError: the header cannot be read.
    """
    data = read_file(file, file, DEFAULT)
    with WARNINGS_IGNORED, failures_as_image_errors(file, data[: sniff.HEAD], DEFAULT):
        image = open_image(io.BytesIO(data))
        is_turned = exif_orientation(image) in (5, 6, 7, 8)
        return Header((image.width, image.height) if is_turned else (image.height, image.width), image.mode)


def read_metadata(data: bytes, *, name: str, gps: bool, limits: Limits = DEFAULT) -> Metadata:
    """The EXIF and XMP blocks and the ICC profile of an image file, for the image that `decode` gives.

    The orientation in them is reset. Without `gps`, they say no place.

    Raises:
        ImageError: the header cannot be read.
    """
    with _header(data, name, limits) as image:
        return metadata_of(image, gps=gps)


def read_text(data: bytes, *, name: str, limits: Limits = DEFAULT) -> str | None:
    """The text that `encode` wrote into a PNG file; None if there is none.

    Raises:
        ImageError: the header cannot be read.
    """
    with _header(data, name, limits) as image:
        text = image.info.get(TEXT_KEY)
        return text if isinstance(text, str) else None


@contextlib.contextmanager
def _header(data: bytes, name: str, limits: Limits) -> Iterator[Image.Image]:
    with (
        WARNINGS_IGNORED,
        failures_as_image_errors(name, data[: sniff.HEAD], limits),
        PIXEL_GUARD.allowing(limits.pixels),
        open_image(io.BytesIO(data)) as image,
    ):
        yield image


def decode_pil(image: Image.Image, limits: Limits = DEFAULT) -> ImageArray:
    """Convert an image that the caller has opened, as `decode` converts a file. `limits` gives the value of white.

    Raises:
        ImageError: the image cannot be read.
    """
    with WARNINGS_IGNORED, failures_as_image_errors("image", b"", limits):
        image.load()
        orientation = exif_orientation(image)
        return _upright(_image_array(separate(image, white=limits.white), limits), orientation)


def open_image(file: BinaryIO) -> Image.Image:
    """Open an image in one of the formats that are read; HEIC, too, if the package for it is installed."""
    formats: tuple[str, ...] = INPUT_FORMATS
    head = file.read(sniff.HEAD)
    file.seek(0)
    if sniff.is_heic(head):
        with contextlib.suppress(ImportError):  # The error for a file that is not read names the extra.
            importlib.import_module("pillow_heif").register_heif_opener(thumbnails=False)
            formats = (*INPUT_FORMATS, "HEIF")
    return Image.open(file, formats=formats)


def _stored(
    file: io.BytesIO, path: Path | str, limits: Limits, sufficient_side: int | None, depth: Depth
) -> tuple[ImageArray, int]:
    """The image as it is stored, and its orientation. The file is closed as early as possible, to free its memory."""
    file.seek(0)
    with open_image(file) as image:
        if image.width * image.height > limits.pixels:
            raise too_many_pixels(image.width * image.height, path, limits)
        if sufficient_side:
            image.draft(None, (sufficient_side, sufficient_side))  # Does nothing in other formats.
        has_more_bits = sixteen_bits.has_sixteen_bits(image, file.getvalue())
        notes = (_FIRST_ONLY,) if _holds_several(image) else ()
        image.load()
        orientation = exif_orientation(image)
        if has_more_bits and (depth == 16 or limits.white or sixteen_bits.is_dark(image)):
            parts = sixteen_bits.separate(file.getvalue(), image.info.get("icc_profile"), limits.white)
            return _image_array(parts, limits, notes).at_depth(depth), orientation
        file.close()
        return _image_array(separate(image, depth, limits.white), limits, notes), orientation


def _holds_several(image: Image.Image) -> bool:
    """Whether there are more images after the first one. What follows may be damaged."""
    with contextlib.suppress(Exception):
        return image.format in _SERIES and getattr(image, "is_animated", False)
    return False


def _image_array(
    parts: tuple[np.ndarray, np.ndarray | None, int | None], limits: Limits, notes: tuple[str, ...] = ()
) -> ImageArray:
    """The image of colors, transparency and the value of white, with a note if white was found below the largest."""
    rgb, alpha, white = parts
    if 0 < rgb.max() <= _ALMOST_BLACK and rgb.dtype == np.uint8:
        notes = (*notes, _LABELS)
    is_found = white is not None and white < SIXTEEN_BITS and limits.white is None
    return ImageArray(rgb, alpha, (*notes, white_note(white)) if white and is_found else notes)


def _upright(image: ImageArray, orientation: int) -> ImageArray:
    alpha = None if image.alpha is None else upright(image.alpha, orientation)
    return ImageArray(upright(image.rgb, orientation), alpha, image.notes)


def read_file(file: Path, path: Path | str, limits: Limits) -> bytes:
    """The bytes of a regular file, at most one more than the limit. `path` is its name in messages.

    Raises:
        ImageError: it cannot be read.
    """
    try:
        _check_kind(file.stat().st_mode, path)
        with file.open("rb") as stream:
            return _read_at_most(stream, limits.file_bytes + 1)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise ImageError(path, f"cannot be opened: {error.strerror or error}", hint=disk_hint(error)) from error
    except ValueError as error:  # A null byte.
        raise ImageError(path, "not a possible file name") from error


def _missing(path: Path | str) -> ImageError:
    reason, hint = missing.explain(str(path))
    return ImageError(path, reason, hint=hint)


def _read_at_most(stream: BinaryIO, most: int) -> bytes:
    """The next bytes of a stream, up to `most`. `stream.read(most)` would reserve memory for all of them at once."""
    buffer = io.BytesIO()
    while chunk := stream.read(min(most - buffer.tell(), _CHUNK)):
        buffer.write(chunk)
    return buffer.getvalue()


def _check_kind(mode: int, path: Path | str) -> None:
    """Refuse all but regular files. Reading a pipe might wait for ever, and reading a device might never end."""
    if stat.S_ISDIR(mode):
        raise ImageError(path, "a folder, not an image", hint="Give an image in it.")
    if not stat.S_ISREG(mode):
        raise ImageError(path, "a pipe or a device, not a file", hint="Give - to read an image from standard input.")


def too_many_pixels(pixels: int, path: Path | str, limits: Limits) -> ImageError:
    """The error for an image with more pixels than the limit."""
    enough = f"{-(-pixels // 10**6)}M"
    return ImageError(
        path,
        f"{pixels:,} pixels are more than the limit of {limits.pixels:,}",
        hint=f"`--max-pixels {enough}` raises the limit. Reading takes about 7 bytes of memory for each pixel.",
    )


@contextlib.contextmanager
def failures_as_image_errors(
    path: Path | str, head: bytes, limits: Limits, file: io.BytesIO | None = None
) -> Iterator[None]:
    """Turn every exception into an `ImageError`. A decoder may raise anything when the file is damaged."""
    try:
        yield
    except ImageError:
        raise
    except UnclearPixelsError as error:
        raise ImageError(path, str(error), hint="Convert it to 8 or 16 bits first.") from error
    except UnidentifiedImageError as error:
        _refuse_unread_tiff(path, head, file)
        reason, hint = sniff.describe(head)
        raise ImageError(path, reason, hint=hint) from error
    except Image.DecompressionBombError as error:
        [pixels, *_] = re.findall(r"\d+", str(error))
        raise too_many_pixels(int(pixels), path, limits) from error
    except MemoryError as error:
        raise ImageError(path, "too little memory to read it") from error
    except Exception as error:
        _refuse_unread_tiff(path, head, file, unless_common=True)
        raise ImageError(path, _damage(error)) from error


def _refuse_unread_tiff(path: Path | str, head: bytes, file: io.BytesIO | None, *, unless_common: bool = False) -> None:
    """Say what a whole TIFF file holds that is not read as an image. It is not damaged.

    `unless_common`: a file of one to four bands of integers would be read, so its pixels must be damaged.
    """
    if file is None or file.closed or not head.startswith((b"II", b"MM")):
        return
    if found := tiff_kinds.describe(file.getvalue(), unless_common=unless_common):
        raise ImageError(
            path,
            f"a TIFF file that holds {found}, which is not read as an image",
            hint="Save one or three bands of it as 8 or 16 bits, for example with the Python package tifffile.",
        )


def _damage(error: Exception) -> str:
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return "the file is damaged: it is cut short"
    return f"the file is damaged or of an unsupported kind ({str(error) or type(error).__name__})"


def exif_orientation(image: Image.Image) -> int:
    """The EXIF orientation, or 1 if it is missing or damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # The parser may raise anything when the EXIF block is damaged.
        return 1
