"""Reads image files. This is the only module that opens one."""

import contextlib
import io
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from imgxlate.errors import ImageError
from imgxlate.images import sniff
from imgxlate.images.color import UnclearPixelsError, separate
from imgxlate.images.formats import INPUT_FORMATS
from imgxlate.images.image_array import ImageArray
from imgxlate.images.silence import WARNINGS_IGNORED


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be. Both are checked before a pixel is decoded."""

    pixels: int = 178_956_970  # width x height; Pillow refuses more than this whatever is said here
    file_bytes: int = 1 << 30


DEFAULT = Limits()

# What the EXIF orientation asks for; 1 is upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(source: Path | bytes, *, name: str | None = None, limits: Limits = DEFAULT) -> ImageArray:
    """Read a picture from a file or from its bytes: upright, in 8-bit sRGB, the first frame where there are several.

    The EXIF orientation and the ICC profile are applied; a broken one is ignored. 16-bit grey is rounded to 8 bits.
    `name` stands for the picture in messages; by default it is the path.

    Raises:
        ImageError: whatever keeps a picture from being read: the file, its size, its format, damage.
    """
    path = name or (source if isinstance(source, Path) else "image data")
    data = _read(source, path, limits) if isinstance(source, Path) else source
    if not data:
        raise ImageError(path, "the file is empty")
    if len(data) > limits.file_bytes:
        raise ImageError(path, f"the file is larger than the limit of {limits.file_bytes:,} bytes")
    with (
        WARNINGS_IGNORED,
        _failures_as_image_errors(path, data, limits),
        Image.open(io.BytesIO(data), formats=INPUT_FORMATS) as image,
    ):
        _check_pixels(image.width * image.height, path, limits)
        image.load()
        return _upright(image)


def decode_pil(image: Image.Image) -> ImageArray:
    """Read an image that the caller has opened, as `decode` reads a file.

    Raises:
        ImageError: the image cannot be read.
    """
    with WARNINGS_IGNORED, _failures_as_image_errors("image", b"", DEFAULT):
        image.load()
        return _upright(image)


def _read(file: Path, path: Path | str, limits: Limits) -> bytes:
    """The bytes of a regular file, at most one more than the limit."""
    try:
        _check_kind(file.stat().st_mode, path)
        with file.open("rb") as stream:
            return stream.read(limits.file_bytes + 1)
    except FileNotFoundError as error:
        raise ImageError(path, "no such file") from error
    except OSError as error:
        raise ImageError(path, f"cannot be opened: {error.strerror or error}") from error
    except ValueError as error:  # A null byte.
        raise ImageError(path, "not a possible file name") from error


def _check_kind(mode: int, path: Path | str) -> None:
    """Refuse what is no regular file: reading a pipe could wait for ever, reading a device never end."""
    if stat.S_ISDIR(mode):
        raise ImageError(path, "a folder, not an image")
    if not stat.S_ISREG(mode):
        raise ImageError(path, "a pipe or a device, not a file", hint="Give - to read an image from standard input.")


def _check_pixels(pixels: int, path: Path | str, limits: Limits) -> None:
    if pixels > limits.pixels:
        raise ImageError(path, f"{pixels:,} pixels are more than the limit of {limits.pixels:,}")


@contextlib.contextmanager
def _failures_as_image_errors(path: Path | str, data: bytes, limits: Limits) -> Iterator[None]:
    """Name the file and the reason, whatever is raised: a decoder fed with damaged bytes may raise anything."""
    try:
        yield
    except ImageError:
        raise
    except UnclearPixelsError as error:
        raise ImageError(path, str(error), hint="Convert it to 8 or 16 bits first.") from error
    except UnidentifiedImageError as error:
        reason, hint = sniff.describe(data)
        raise ImageError(path, reason, hint=hint) from error
    except Image.DecompressionBombError as error:
        raise ImageError(path, f"more pixels than the limit of {limits.pixels:,}") from error
    except MemoryError as error:
        raise ImageError(path, "too little memory to read it") from error
    except Exception as error:
        raise ImageError(path, _damage(error)) from error


def _damage(error: Exception) -> str:
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return "the file is damaged: it is cut short"
    return f"the file is damaged, or of a kind that is not read ({str(error) or type(error).__name__})"


def _upright(image: Image.Image) -> ImageArray:
    turn = _TURNS.get(_orientation(image))
    colours, alpha = separate(image)
    return ImageArray(_pixels(colours, turn), None if alpha is None else _pixels(alpha, turn))


def _pixels(image: Image.Image, turn: Image.Transpose | None) -> np.ndarray:
    return np.asarray(image if turn is None else image.transpose(turn))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 where there is none or it cannot be read."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # The block is free-form; its parser raises whatever its bytes lead to.
        return 1
