"""Reading image files. No other module opens one."""

import contextlib
import io
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from imgxlate.errors import ImageError
from imgxlate.images import sniff
from imgxlate.images.formats import INPUT_FORMATS
from imgxlate.images.image_array import ImageArray
from imgxlate.images.inputs import STDIO, Source
from imgxlate.images.silence import WARNINGS_IGNORED
from imgxlate.images.srgb import UnclearPixelsError, separate


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest files that are read. Both limits are checked before a pixel is decoded."""

    pixels: int = 178_956_970  # width x height; Pillow refuses more in any case
    file_bytes: int = 1 << 30


DEFAULT = Limits()

# How to turn an image upright, by its EXIF orientation. 1 is upright.
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(
    source: Path | bytes, *, name: str | None = None, limits: Limits = DEFAULT, sufficient_side: int | None = None
) -> ImageArray:
    """Read an image from a file or from its bytes: upright, in 8-bit sRGB, the first frame of an animation.

    The EXIF orientation and the ICC profile are applied, and ignored if they are broken. 16-bit gray is rounded to 8
    bits. `name` is the name of the image in messages, by default the path. With `sufficient_side`, a JPEG is decoded at
    1/2, 1/4 or 1/8 of its size if its shorter side keeps at least that many pixels. This is several times faster.

    Raises:
        ImageError: the image cannot be read: the file, its size, its format, damage.
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
        if sufficient_side:
            image.draft(None, (sufficient_side, sufficient_side))  # Does nothing in other formats.
        image.load()
        return _upright(image)


def decode_source(source: Source) -> ImageArray:
    """Decode an input of a command, standard input included.

    Raises:
        ImageError: the image cannot be read.
    """
    if source.path is not None:
        return decode(source.path)
    if sys.stdin is None:
        raise ImageError(STDIO, "standard input is closed")
    return decode(sys.stdin.buffer.read(DEFAULT.file_bytes + 1), name=STDIO)


def decode_pil(image: Image.Image) -> ImageArray:
    """Convert an image that the caller has opened, as `decode` converts a file.

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
    """Refuse all but regular files. Reading a pipe might wait for ever, and reading a device might never end."""
    if stat.S_ISDIR(mode):
        raise ImageError(path, "a folder, not an image")
    if not stat.S_ISREG(mode):
        raise ImageError(path, "a pipe or a device, not a file", hint="Give - to read an image from standard input.")


def _check_pixels(pixels: int, path: Path | str, limits: Limits) -> None:
    if pixels > limits.pixels:
        raise ImageError(path, f"{pixels:,} pixels are more than the limit of {limits.pixels:,}")


@contextlib.contextmanager
def _failures_as_image_errors(path: Path | str, data: bytes, limits: Limits) -> Iterator[None]:
    """Turn every exception into an `ImageError`. A decoder may raise anything when the file is damaged."""
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
    return f"the file is damaged or of an unsupported kind ({str(error) or type(error).__name__})"


def _upright(image: Image.Image) -> ImageArray:
    transposition = _TRANSPOSITIONS.get(_orientation(image))
    rgb, alpha = separate(image)
    return ImageArray(_pixels(rgb, transposition), None if alpha is None else _pixels(alpha, transposition))


def _pixels(image: Image.Image, transposition: Image.Transpose | None) -> np.ndarray:
    return np.asarray(image if transposition is None else image.transpose(transposition))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, or 1 if it is missing or damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # The parser may raise anything when the EXIF block is damaged.
        return 1
