"""The finished segments of a long film, in a hidden folder beside its output.

A film is made in segments of some frames. Each is written whole or not at all, with the state of the processor after
it, so that a later process can go on with the next one.
"""

import contextlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from imgxlate import atomic
from imgxlate.errors import OutputError
from imgxlate.images.sizes import Size
from imgxlate.paths import exists, resolved

_FACTS = "film.json"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment."""

    path: Path
    frames: int
    size: Size  # of each frame
    start: Fraction  # when its first frame is shown, in seconds after the film begins
    last: Fraction  # when its last frame is shown
    end: Fraction  # when its last frame ends
    until: Fraction | None  # the end of the part of the film that it was made for; None: that of the film


class Segments:
    """The segments of a film, in their order."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self.finished: list[Segment] = []
        while (segment := self._read(len(self.finished))) is not None:
            self.finished.append(segment)

    @classmethod
    @contextlib.contextmanager
    def opened(
        cls, output: Path, suffix: str, facts: Mapping[str, Any], whole: int, until: Fraction | None, *, anew: bool
    ) -> Iterator[Self]:
        """The segments of `output`. After the block, their folder is removed, unless it ends early with a finished one.

        `facts` say how the film is made, in segments of `whole` frames, except that it ends before the time `until`. If
        `anew`, finished segments are removed first.

        Raises:
            OutputError: there are segments of other facts or from after `until`, another process makes the film, or the
                folder cannot be written.
        """
        folder = work_folder(output)
        document = json.dumps(facts, indent=2, sort_keys=True) + "\n"
        with _locked(folder, output):
            with _failures_named(output):
                _prepare(folder, document, output, whole, until, anew=anew)
                segments = cls(folder, suffix)
            try:
                yield segments
            except BaseException:
                if not segments._marker(0).exists():
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def frames(self) -> int:
        """The number of finished frames."""
        return sum(segment.frames for segment in self.finished)

    def fit(self, whole: int, until: Fraction | None) -> bool:
        """Whether a film that ends before `until` begins with the finished segments, which have `whole` frames if full.

        Frames do not depend on later ones, and only the last segment can have ended with the part.
        """
        if not self.finished or self.finished[-1].until == until:
            return True
        last = self.finished[-1]
        return last.frames == whole and (until is None or last.last < until)

    def next_path(self) -> Path:
        """Where to write the next segment. One that was written there and not finished is removed.

        Raises:
            OutputError: it cannot be removed.
        """
        path = self._path(len(self.finished))
        with _failures_named(path):
            if path.is_dir():
                shutil.rmtree(path)
        return path

    def add(self, segment: Segment, state: Mapping[str, NDArray[Any]]) -> None:
        """Finish a segment that is written, with the state of the processor after it.

        Raises:
            OutputError: a file cannot be written.
        """
        number = len(self.finished)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **state)
        atomic.write_bytes(self._state(number), buffer.getbuffer())
        document = {
            "frames": segment.frames,
            "size": segment.size,
            "start": str(segment.start),
            "last": str(segment.last),
            "end": str(segment.end),
            "until": None if segment.until is None else str(segment.until),
        }
        atomic.write_bytes(self._marker(number), json.dumps(document).encode())  # It is finished from here on.
        if number:
            self._state(number - 1).unlink(missing_ok=True)
        self.finished.append(segment)

    def state(self) -> dict[str, NDArray[Any]]:
        """The state of the processor after the last finished segment."""
        with np.load(self._state(len(self.finished) - 1), allow_pickle=False) as stored:
            return dict(stored)

    def _read(self, number: int) -> Segment | None:
        """A finished segment, or None if there is none of that number."""
        marker = self._marker(number)
        if not marker.exists():
            return None
        document = json.loads(marker.read_bytes())
        height, width = document["size"]
        times = {name: Fraction(document[name]) for name in ("start", "last", "end")}
        until = None if document["until"] is None else Fraction(document["until"])
        return Segment(self._path(number), document["frames"], (height, width), **times, until=until)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}{self._suffix}"

    def _state(self, number: int) -> Path:
        return self._folder / f"{number:06d}.npz"

    def _marker(self, number: int) -> Path:
        return self._folder / f"{number:06d}.json"


def work_folder(output: Path) -> Path:
    """The hidden folder of the segments of an output."""
    target = resolved(output)
    return target.with_name(f".{target.name}.segments")


def finished_frames(output: Path) -> int:
    """How many frames of an unfinished film are kept."""
    return Segments(work_folder(output), "").frames


def begun_with(output: Path) -> Mapping[str, Any]:
    """The facts of the command that began an unfinished film; empty if no frames are kept."""
    if not finished_frames(output):
        return {}
    facts: Mapping[str, Any] = json.loads((work_folder(output) / _FACTS).read_bytes())
    return facts


def remove_segments(output: Path) -> None:
    """Remove the segments of a film that exists, unless another process makes it again."""
    folder = work_folder(output)
    if exists(folder):
        with contextlib.suppress(OutputError), _locked(folder, output):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, output: Path) -> Iterator[None]:
    """Keep other processes out of the folder within the block. The folder is made if it is missing."""
    with _failures_named(output):
        atomic.make_folder(folder)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        hint = "Wait for it, or give another -o."
        raise OutputError(f"{output} is being made by another process", hint=hint) from error
    finally:
        with contextlib.suppress(OSError):  # Windows removes no folder with an open file, so only the lock is left.
            folder.rmdir()


def _prepare(folder: Path, document: str, output: Path, whole: int, until: Fraction | None, *, anew: bool) -> None:
    """Write how the film is made, and remove what cannot be gone on with, or everything if `anew`.

    Raises:
        OutputError: there are finished segments of a film that is made in another way.
    """
    facts = folder / _FACTS
    stored = facts.read_text() if facts.exists() else None
    segments = Segments(folder, "")
    if stored == document and not anew and segments.fit(whole, until):
        return
    if stored is not None and not anew and segments.finished:
        raise OutputError(
            f"{output} is unfinished, and was begun by a command with other inputs or options, "
            "in another number of threads, or with another release of imgxlate, PyAV or OpenCV",
            hint="Type that command again to go on, or add --overwrite to begin anew.",
        )
    facts.unlink(missing_ok=True)  # If the rest is interrupted, the next command begins anew, too.
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()
    atomic.write_bytes(facts, document.encode())


@contextlib.contextmanager
def _failures_named(output: Path) -> Iterator[None]:
    """Turn errors of the disk into an error that names the output."""
    try:
        yield
    except OSError as error:
        raise atomic.cannot_write(output, error) from error
