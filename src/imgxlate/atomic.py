"""Atomic writes: write to a temporary file or folder beside the target, then rename it."""

import contextlib
import itertools
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from imgxlate.errors import OutputError, disk_hint

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")


@contextlib.contextmanager
def writer(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing. The file appears whole at the end of the block, or not at all.

    Missing parent folders are created. If `path` is a symbolic link, its target is written. If the block ends early,
    also by Ctrl-C, an older file of that name stays as it was, and no temporary file is left.

    Raises:
        OutputError: the folder or the file cannot be written, or `path` is a folder, a pipe or a device.
    """
    try:
        _require_file_or_nothing(path)
        target = Path(os.path.realpath(path))
        make_folder(target.parent)
        temporary = target.with_name(f".{os.urandom(8).hex()}.part")
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):  # The first error matters more.
                temporary.unlink(missing_ok=True)
            raise
        flush_folder(target.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextlib.contextmanager
def described_writer(path: Path, description: Path, text: bytes) -> Iterator[BinaryIO]:
    """`writer` of a file whose description is in another file, `description`. Both appear, or neither.

    A process that is killed in between leaves the file without a description, never with that of another file.

    Raises:
        OutputError: as `writer`, for one of the files.
    """
    with writer(description) as other:
        other.write(text)
        other.flush()
        with writer(path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            older = Path(os.path.realpath(description))
            older.unlink(missing_ok=True)
            flush_folder(older.parent)


@contextlib.contextmanager
def folder_writer(path: Path) -> Iterator[Path]:
    """Fill a new folder. It appears at `path` whole at the end of the block, or not at all.

    Gives the folder to fill, which is beside `path`. Missing parent folders are created. `path` may be an empty folder.

    Raises:
        OutputError: `path` exists and is not an empty folder, or cannot be written.
    """
    try:
        require_new_folder(path)
        target = path.resolve()  # "." has no name, and a link cannot be replaced by a folder.
        make_folder(target.parent)
        temporary = target.with_name(f".{os.urandom(8).hex()}.part")
        try:
            temporary.mkdir()
            yield temporary
            _flush_files(temporary)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        flush_folder(target.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def require_new_folder(path: Path) -> None:
    """Check that `path` does not exist, or is an empty folder.

    Raises:
        OutputError: it exists.
    """
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        raise OutputError(f"{path}: exists and is not an empty folder", hint="Give another folder, or remove this one.")


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path`, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with writer(path) as file:
        file.write(data)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error that says why `path` cannot be written, and what to do."""
    return OutputError(f"{path}: cannot be written: {error.strerror or error}", hint=disk_hint(error))


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, so that they survive a power failure like the files in them.

    Raises:
        OSError: a folder cannot be created.
    """
    missing = list(itertools.takewhile(lambda parent: not parent.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for created in missing:
        flush_folder(created.parent)


def flush_folder(folder: Path) -> None:
    """Make new names in a folder survive a power failure, on platforms that can open folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _flush_files(folder: Path) -> None:
    """Make all files below a folder survive a power failure.

    Raises:
        OSError: a file cannot be flushed.
    """
    flags = os.O_RDONLY if os.name == "posix" else os.O_RDWR  # Windows flushes only files that are open for writing.
    for parent, _, files in os.walk(folder):
        for name in files:
            descriptor = os.open(Path(parent, name), flags)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        flush_folder(Path(parent))


def leftovers(folder: Path) -> list[Path]:
    """The temporary files in `folder` of writes that were killed or still run. Empty if it cannot be read."""
    with contextlib.suppress(OSError):
        return [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name)]
    return []


def _require_file_or_nothing(path: Path) -> None:
    """Refuse folders, and pipes, devices and sockets, which a rename would destroy."""
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
