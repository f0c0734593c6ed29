"""How large the files may be that are read. Imports no Pillow, numpy or torch."""

import re
from dataclasses import dataclass
from typing import Self

from imgxlate.errors import UsageError

MAX_PIXELS = 178_956_970
"""The most pixels, width x height, of an image that is read by default. It is Pillow's own limit."""

_FILE_BYTES = 1 << 30

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest files that are read. Both limits are checked before a pixel is decoded."""

    pixels: int = MAX_PIXELS  # width x height
    file_bytes: int = _FILE_BYTES

    @classmethod
    def of(cls, pixels: int) -> Self:
        """The limits for images of that many pixels. Larger ones may take eight bytes a pixel, as RGBA of 16 bits does.

        Raises:
            UsageError: `pixels` is less than 1.
        """
        if pixels < 1:
            raise UsageError(f"the limit of pixels must be at least 1, not {pixels:,}")
        return cls(pixels, 8 * pixels if pixels > MAX_PIXELS else _FILE_BYTES)


DEFAULT = Limits()


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
