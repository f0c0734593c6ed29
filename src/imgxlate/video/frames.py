"""What a film is to the rest of the program: frames in their order, each with the time at which it is shown."""

import bisect
import contextlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imgxlate.errors import UsageError
from imgxlate.images.sizes import Size

_FASTEST = 1000  # frames per second
_LARGEST_DENOMINATOR = 10**5  # of a rate: encoders take no larger numbers, and 30000/1001 is found in a float
_FINEST = 10**6  # parts of a second in a time that is a float


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a film. It is decoded on demand."""

    index: int  # in the film, from 0
    time: Fraction  # when it is shown, in seconds after the film begins
    duration: Fraction  # in seconds
    decode: Callable[[], NDArray[np.uint8]]  # (H, W, 3), upright, in the film's own primaries and transfer function


@dataclass(frozen=True, slots=True)
class Colors:
    """How a film stores colors, as numbers of ITU-T H.273, which ffmpeg uses, too. 2 is unspecified."""

    matrix: int = 1  # between RGB and luma with chroma; 1 is that of BT.709
    primaries: int = 1
    transfer: int = 1
    is_full_range: bool = False  # whether black is 0 and white 255, and not 16 and 235


@dataclass(frozen=True, slots=True)
class FilmInfo:
    """The properties of a film."""

    size: Size  # upright
    rate: Fraction  # frames per second, on average
    time_base: Fraction  # seconds; all times are multiples of it
    frames: int | None  # about how many there are; None: unknown
    seconds: Fraction | None  # how long it is; None: unknown
    colors: Colors = Colors()
    pixel_format: str = "rgb24"  # ffmpeg's name
    bits: int = 8  # of a channel
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel by its height, upright
    sounds: tuple[str, ...] = ()  # the codec of each sound track


class Film(Protocol):
    """A film that can be read, more than once."""

    info: FilmInfo

    def frames(self) -> Iterator[Frame]:
        """All frames, in the order in which they are shown."""

    def times(self) -> list[Fraction]:
        """When frames are shown, in seconds. Damaged frames count, because nothing is decoded."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The frames of a film to take: every N-th one from `start` until before `end`, in seconds."""

    start: Fraction | None = None
    end: Fraction | None = None
    every: int = 1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise UsageError(f"--every {self.every}: must be at least 1")
        if self.end is not None and self.end <= (self.start or 0):
            raise UsageError("--end is not after --start", hint="Both are times in the input, such as 1:30.")

    def of(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The selected frames. Their times stay those in the film."""
        start, end = self.start, self.end
        if start is not None:
            frames = itertools.dropwhile(lambda frame: frame.time < start, frames)
        if end is not None:
            frames = itertools.takewhile(lambda frame: frame.time < end, frames)
        for first in frames:
            rest = sum(frame.duration for frame in itertools.islice(frames, self.every - 1))
            yield replace(first, duration=first.duration + rest)

    def last_index(self, times: Sequence[Fraction]) -> int:
        """The index of the last frame that is selected, of a film with frames at these times; -1: there is none."""
        first = 0 if self.start is None else bisect.bisect_left(times, self.start)
        stop = len(times) if self.end is None else bisect.bisect_left(times, self.end)
        return max(range(first, stop, self.every), default=-1)

    def count(self, info: FilmInfo) -> int | None:
        """About how many frames of a film are selected; None: unknown."""
        if self.start is None and self.end is None:
            return None if info.frames is None else -(-info.frames // self.every)
        ends = [end for end in (self.end, info.seconds) if end is not None]
        if not ends:
            return None
        return max(1, round((min(ends) - (self.start or 0)) * info.rate / self.every))


def parse_time(time: float | str | None) -> Fraction | None:
    """A time in seconds: 90.5, "90.5", "1:30" or "0:01:30.5"; None stays None.

    Raises:
        UsageError: `time` is no such time.
    """
    if time is None:
        return None
    if not isinstance(time, str):
        if 0 <= time < math.inf:
            return Fraction(time).limit_denominator(_FINEST)
    elif re.fullmatch(r"(\d{1,6}:)?(\d{1,6}:)?\d{1,9}(\.\d{1,9})?", time, re.ASCII):
        seconds = Fraction(0)
        for part in time.split(":"):
            seconds = seconds * 60 + Fraction(part)
        return seconds
    raise UsageError(f"a time must be like 90.5, 1:30 or 0:01:30, not {str(time)!r}")


def parse_rate(rate: float | str | None) -> Fraction | None:
    """Frames per second: 24, "23.976" or "30000/1001"; None stays None.

    Raises:
        UsageError: `rate` is no positive number.
    """
    if rate is None:
        return None
    with contextlib.suppress(ValueError, ZeroDivisionError):
        if 0 < (number := Fraction(str(rate)).limit_denominator(_LARGEST_DENOMINATOR)) <= _FASTEST:
            return number
    raise UsageError(f"a frame rate must be a number of frames per second, such as 24 or 30000/1001, not {rate!r}")
