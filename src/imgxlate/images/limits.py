"""How large the files may be that are read, and their value of white. Imports no Pillow, numpy or torch."""

import re
from dataclasses import dataclass
from typing import Self

from imgxlate.errors import UsageError

MAX_PIXELS = 178_956_970
"""The most pixels, width x height, of an image that is read by default. It is Pillow's own limit."""

_FILE_BYTES = 1 << 30

AUTO = "auto"
TWELVE_BITS, SIXTEEN_BITS = 4095, 65535
"""The largest values of 12 and of 16 bits."""

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest files that are read, checked before a pixel is decoded, and the value of white."""

    pixels: int = MAX_PIXELS  # width x height
    file_bytes: int = _FILE_BYTES
    white: int | None = None  # in integers of 16 bits, larger values are white, too; None: as `find_white` says

    @classmethod
    def of(cls, pixels: int, white: int | None = None) -> Self:
        """The limits for images of that many pixels. Larger ones may take eight bytes a pixel, as RGBA of 16 bits does.

        Raises:
            UsageError: `pixels` is less than 1, or `white` is not from 1 to 65535.
        """
        if pixels < 1:
            raise UsageError(f"the limit of pixels must be at least 1, not {pixels:,}")
        if white is not None and not 1 <= white <= SIXTEEN_BITS:
            raise _invalid_white(str(white))
        return cls(pixels, 8 * pixels if pixels > MAX_PIXELS else _FILE_BYTES, white)


DEFAULT = Limits()


def find_white(brightest: int, white: int | None) -> int:
    """`white` if it is given; else that of 12 bits if no value of an image of 16 bits is above it.

    Scanners, microscopes and cameras store 12 bits in 16. Taken for 16 bits, such an image is almost black.
    """
    return white or (TWELVE_BITS if 0 < brightest <= TWELVE_BITS else SIXTEEN_BITS)


def white_note(white: int) -> str:
    """Tells the user that a value of white was found."""
    return (
        f"no value is above {white} of {SIXTEEN_BITS}, so white is {white}, as for 12 bits stored in 16. "
        f"`--white N` sets it for all images alike, and `--white {SIXTEEN_BITS}` keeps such images dark"
    )


def parse_white(text: str) -> int | None:
    """A value of white from 1 to 65535, or None for "auto".

    Raises:
        UsageError: `text` is neither.
    """
    if text == AUTO:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= SIXTEEN_BITS):
        raise _invalid_white(text)
    return int(text)


def _invalid_white(text: str) -> UsageError:
    return UsageError(
        f"white must be {AUTO} or a number from 1 to {SIXTEEN_BITS}, not {text!r}",
        hint="4095 is white in images with 12 bits, 16383 in images with 14: `--white 4095`.",
    )


def parse_pixels(text: str) -> int:
    """A number of pixels: "500000000", "500M" or "500MP" (megapixels); K and G, too.

    Raises:
        UsageError: `text` is no such number.
    """
    found = re.fullmatch(r"(\d{1,15})([KMG]?)P?", text.strip().upper(), re.ASCII)
    if not found or not int(found[1]):
        raise UsageError(
            f"a number of pixels must be like 500000000 or 500M, not {text!r}",
            hint="500M, or 500MP, is 500 megapixels: `--max-pixels 500M`.",
        )
    return int(found[1]) * _UNITS[found[2]]
