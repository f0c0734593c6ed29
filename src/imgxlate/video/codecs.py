"""The video codecs that are written, and how their options and pixel formats are chosen. Imports no PyAV."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from imgxlate.errors import UsageError
from imgxlate.images.sizes import Size

DEFAULT_QUALITY = 75

_ANY_SIZE = "yuv444p"  # has chroma for each pixel, and so no restriction to even sizes


@dataclass(frozen=True, slots=True)
class Codec:
    """A video codec, and the encoder of it."""

    encoder: str  # ffmpeg's name
    suffixes: tuple[str, ...]  # of the files that hold it
    pixel_formats: tuple[str, ...]  # ffmpeg's names, the usual one first
    factors: tuple[int, int] | None = None  # the constant rate factors of quality 0 and 100
    profiles: tuple[str, ...] = ()  # in place of a factor: from the lowest quality to the highest
    options: Mapping[str, str] = field(default_factory=dict)
    least_side: int = 1  # pixels
    tag: str = ""  # of the codec in the file; empty: ffmpeg's choice
    has_full_range: bool = True  # whether black may be 0 and white 255
    segments: str = "nut"  # the format of the file of a segment: one that keeps all times exactly


_SUBSAMPLED = ("yuv420p", "yuv422p", "yuv444p")

# No encoder may reorder frames (B frames, alternate references): then segments can be joined by their times alone.
CODECS = {
    "h264": Codec("libx264", (".mp4", ".mov"), _SUBSAMPLED, (51, 10), options={"bf": "0"}),
    "h265": Codec(
        "libx265",
        (".mp4", ".mov"),
        _SUBSAMPLED,
        (51, 12),
        options={"x265-params": "bframes=0:frame-threads=1:log-level=none"},
        least_side=64,  # For narrower frames, it writes outside of its memory (x265 4.2).
        tag="hvc1",  # Apple's players know no other.
    ),
    "vp9": Codec(
        "libvpx-vp9",
        (".webm", ".mp4"),
        _SUBSAMPLED,
        (63, 12),
        options={"b": "0", "auto-alt-ref": "0", "cpu-used": "4", "row-mt": "1"},
    ),
    "prores": Codec(
        "prores_ks",
        (".mov",),
        ("yuv422p10le", "yuv444p10le"),
        profiles=("proxy", "lt", "standard", "hq"),
        has_full_range=False,
        segments="mov",
    ),
}
"""The codecs by their names on the command line."""

FORMATS = {".mp4": "mp4", ".mov": "mov", ".webm": "webm"}
"""The suffixes, in lower case, of video files that are written, with ffmpeg's names of their formats."""

_DEFAULTS = {".mp4": "h264", ".mov": "h264", ".webm": "vp9"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec and its quality, from 0 to 100."""

    name: str
    quality: int = DEFAULT_QUALITY

    @classmethod
    def of(cls, output: Path, name: str | None, quality: int | None) -> Self:
        """The encoding for a video file of that suffix.

        Raises:
            UsageError: the file cannot hold the codec, there is no such codec, or the quality is not from 0 to 100.
        """
        suffix = output.suffix.lower()
        name = name or _DEFAULTS[suffix]
        if name not in CODECS:
            raise UsageError(f"there is no codec {name!r}", hint=f"Use one of {', '.join(CODECS)}.")
        if suffix not in CODECS[name].suffixes:
            raise UsageError(
                f"{output}: a {suffix} file holds no {name}",
                hint=f"Files with {name} end in {' or '.join(CODECS[name].suffixes)}.",
            )
        if quality is not None and not 0 <= quality <= 100:
            raise UsageError(f"the quality must be from 0 to 100, not {quality}")
        return cls(name, DEFAULT_QUALITY if quality is None else quality)

    @property
    def codec(self) -> Codec:
        """The codec."""
        return CODECS[self.name]

    @property
    def options(self) -> dict[str, str]:
        """The options of the encoder."""
        codec = self.codec
        if codec.factors is None:
            return {**codec.options, "profile": codec.profiles[self.quality * len(codec.profiles) // 101]}
        lowest, highest = codec.factors
        return {**codec.options, "crf": str(lowest + (highest - lowest) * self.quality // 100)}

    def pixel_format(self, size: Size, source: str) -> str:
        """The pixel format for frames of `size`: that of the input if the codec has it, and one that takes the size.

        Raises:
            UsageError: the codec does not take frames of that size.
        """
        if min(size) < (least := self.codec.least_side):
            raise UsageError(
                f"{self.name} needs frames of at least {least} x {least} pixels, not {size[1]} x {size[0]}",
                hint="Give another --codec.",
            )
        usual, *_ = formats = self.codec.pixel_formats
        chosen = next((name for name in formats if _subsampling(name) == _subsampling(source)), usual)
        height, width = size
        fits = width % 2 == 0 and (height % 2 == 0 or "420" not in chosen)
        return chosen if fits or "444" in chosen or _ANY_SIZE not in formats else _ANY_SIZE


def _subsampling(pixel_format: str) -> str:
    """The name of a pixel format without its range and its bits: yuv422p of yuvj422p and of yuv422p10le."""
    return re.sub(r"^yuvj?(\d+p).*", r"yuv\1", pixel_format)
