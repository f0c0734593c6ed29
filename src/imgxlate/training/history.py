"""`history.jsonl`: the losses of every step, one JSON object a line.

    {"step": 1000, "time": "2026-01-31T12:00:00.000+00:00", "seconds": 0.512, "losses": {"gen_total": 3.25, ...}}

`step` is the number of steps done, `time` the end of the last one, `seconds` its duration. All losses are finite: a
step whose losses are not ends the run, or is taken again.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from imgxlate.atomic import cannot_write, flush_folder, make_folder
from imgxlate.errors import unreadable
from imgxlate.training import json_lines


@dataclass(frozen=True, slots=True)
class Entry:
    """The losses of a step."""

    step: int  # number of steps done, including this one
    losses: Mapping[str, float]
    seconds: float  # duration of the step
    time: datetime = field(default_factory=json_lines.now)  # end of the step


class History:
    """A history file open for writing. `append` writes through to the system, so killing the process loses no line."""

    def __init__(self, path: Path, step: int = 0) -> None:
        """Open the history of a run that has done `step` steps. Lines of later steps are removed.

        Raises:
            OutputError: the file cannot be written.
        """
        self._path = path
        try:
            make_folder(path.parent)
            self._file: BinaryIO = path.open("ab", buffering=0)
            flush_folder(path.parent)
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self.truncate(step)

    def append(self, entry: Entry) -> None:
        """Add a line.

        Raises:
            OutputError: the line cannot be written.
        """
        rest = _line(entry)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def flush(self) -> None:
        """Write through to the disk, so that a power failure loses no line.

        Raises:
            OutputError: the disk fails.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def truncate(self, step: int) -> None:
        """Remove all lines after `step`, and an incomplete last line.

        Raises:
            OutputError: the file cannot be read or written.
        """
        try:
            os.ftruncate(self._file.fileno(), _end_of(self._path, step))  # Goes on after a signal, unlike the file's.
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(path: Path, every: int = 1) -> Iterator[Entry]:
    """The entries of a history, or one of every `every` lines, from the first.

    Lines that are damaged are skipped. A killed process may leave an incomplete one at the end.

    Raises:
        CheckpointError: the file cannot be read.
    """
    with _reading(path), path.open("rb") as file:
        for line in itertools.islice(file, 0, None, every):
            if entry := _parsed(line):
                yield entry


def count(path: Path) -> int:
    """The number of lines of a history; 0 if there is no file.

    Raises:
        CheckpointError: the file cannot be read.
    """
    with _reading(path), contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return 0


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unreadable(path, error) from error


def _end_of(path: Path, step: int) -> int:
    """The position, in bytes, after the last intact line up to `step`."""
    end = position = 0
    with path.open("rb") as file:
        for line in file:
            position += len(line)
            entry = _parsed(line)
            if entry and entry.step > step:
                break
            end = position if entry else end
    return end


def _line(entry: Entry) -> bytes:
    document = {
        "step": entry.step,
        "time": json_lines.stamp(entry.time),
        "seconds": round(entry.seconds, 6),
        "losses": dict(entry.losses),
    }
    return json_lines.line(document)


def _parsed(line: bytes) -> Entry | None:
    return json_lines.parsed(line, _entry) if line.endswith(b"\n") else None


def _entry(document: dict[str, Any]) -> Entry:
    losses = {name: float(value) for name, value in document["losses"].items()}
    return Entry(int(document["step"]), losses, document["seconds"], datetime.fromisoformat(document["time"]))
