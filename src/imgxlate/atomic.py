"""Whole files or none: write to a temporary file beside the target, flush it to the disk, rename it."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from imgxlate.errors import OutputError


@contextlib.contextmanager
def writer(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing so that it appears whole at the end of the block, or not at all.

    Missing parent folders are made. Whatever ends the block early, Ctrl-C included, leaves an older file of that name
    as it was and no temporary file behind.

    Raises:
        OutputError: the folder cannot be made, or the file cannot be written or put in its place.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())  # mkstemp makes files private.
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with writer(path) as file:
        file.write(data)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
