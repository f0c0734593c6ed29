"""Whole files or none: write to a temporary file beside the target, flush it to the disk, rename it."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from imgxlate.errors import OutputError

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")


@contextlib.contextmanager
def writer(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing so that it appears whole at the end of the block, or not at all.

    Missing parent folders are made. A symbolic link stays one: what it leads to is written. Whatever ends the block
    early, Ctrl-C included, leaves an older file of that name as it was and no temporary file behind.

    Raises:
        OutputError: the folder cannot be made, the file cannot be written or put in its place, or what has that name
            is no file.
    """
    try:
        _require_file_or_nothing(path)
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{os.urandom(8).hex()}.part")
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _flush_folder(target.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with writer(path) as file:
        file.write(data)


def leftovers(folder: Path) -> list[Path]:
    """The temporary files of writes to `folder` that were killed, or are under way; none where there is no folder."""
    return [path for path in folder.glob(".*.part") if _TEMPORARY.fullmatch(path.name)]


def _require_file_or_nothing(path: Path) -> None:
    """Refuse what a rename would destroy: a pipe, a device, a socket."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path}: cannot be written: it is a folder")
    if not stat.S_ISREG(mode):
        raise OutputError(
            f"{path}: cannot be written: it is a pipe or a device", hint="Give a file; `-` is standard output."
        )


def _flush_folder(folder: Path) -> None:
    """Make a rename last through a power failure, on platforms that open folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
