"""Partial downloads: kept when a process dies, continued by the next one, never shared by two.

Each process writes to a folder of its own, `PID@HOST@TOKEN`. It takes over what an earlier process left by renaming the
folder of that process, which succeeds for one process only. A lock lets the others wait. Correctness does not depend on
it: where file locks do nothing, two processes download the same file at the same time and both get it right.
"""

import contextlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from imgxlate import atomic
from imgxlate.callbacks import Notify

STALE_SECONDS = 7 * 24 * 3600.0  # Older leftovers are removed.
SILENT_SECONDS = 600.0  # A running download gives up on a stalled server long before.
_NOBODY = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long downloads wait, in seconds, and how often they try."""

    connect: float = 10.0  # until a server accepts the connection
    stall: float = 30.0  # between two bytes
    tries: int = 4  # of a connection that fails or breaks off, before the next address
    backoff: float = 0.5  # the unit of the pauses between tries, which double
    lock: float = 1800.0  # for another process that downloads the same file; after that, both download it


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a partial file is the beginning of."""

    url: str
    validator: str | None  # the ETag or date by which the server recognizes the file; None: it cannot be resumed
    total: int | None  # bytes; None: the server does not say


@dataclass(frozen=True, slots=True)
class Partial:
    """The beginning of a file, and a note of its source."""

    folder: Path

    @property
    def file(self) -> Path:
        """The bytes that have arrived."""
        return self.folder / "data"

    @property
    def size(self) -> int:
        """The number of bytes that have arrived."""
        try:
            return self.file.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def source(self) -> Source | None:
        """The source of the bytes; None if it is unknown, so that they are useless."""
        try:
            return Source(**json.loads(self._note.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def start(self, source: Source) -> None:
        """Start an empty file for `source`."""
        self.discard()
        self._note.write_text(json.dumps(asdict(source)))
        self.file.touch()

    def discard(self) -> None:
        """Remove the bytes."""
        # In this order, so that bytes are never taken for another source's. A new file each time, so that a process
        # that still writes to the old one does no harm.
        self.file.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.folder / "source.json"


@contextlib.contextmanager
def locked(root: Path, name: str, patience: Patience, notify: Notify) -> Iterator[None]:
    """Wait until no other process downloads the file of that name to the folder `root`, or patience ends."""
    from filelock import FileLock, Timeout  # Imported late: only downloads need it.

    folder = root / "locks"
    atomic.make_folder(folder)
    lock = FileLock(folder / f"{name}.lock")
    # Timeout is an OSError. File systems without locks raise an OSError, too.
    with contextlib.suppress(OSError, NotImplementedError):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            other = owner(root / "partial" / name) or "another process"
            notify(f"{name}: waiting for {other}, which is downloading it")
            lock.acquire(timeout=patience.lock)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def claim(parent: Path) -> Iterator[Partial]:
    """A partial file in `parent` for this process alone. It begins with what an earlier process left there.

    Raises:
        OSError: the folder cannot be created.
    """
    atomic.make_folder(parent)
    folder = parent / _folder_name(os.getpid())
    _take_over_largest(parent, folder)
    folder.mkdir(exist_ok=True)
    try:
        yield Partial(folder)
    finally:
        _let_go(folder)


def prune(root: Path) -> None:
    """Remove the partial files that no process has touched for a week from the folders in `root`."""
    for folder in root.glob("*/*@*@*"):
        if _age(folder) > STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def owner(parent: Path) -> str | None:
    """The running process that writes to `parent`, in words."""
    for folder in _folders(parent):
        pid, host = _owner_of(folder)
        if not _is_abandoned(folder):
            return f"process {pid} on {host}"
    return None


def _take_over_largest(parent: Path, folder: Path) -> None:
    left = [other for other in _folders(parent) if _is_abandoned(other)]
    for other in sorted(left, key=lambda other: Partial(other).size, reverse=True):
        if folder.exists():
            shutil.rmtree(other, ignore_errors=True)
        else:
            with contextlib.suppress(FileNotFoundError):  # Another process was faster.
                other.rename(folder)


def _let_go(folder: Path) -> None:
    if Partial(folder).size:
        with contextlib.suppress(OSError):  # If it cannot be renamed, its owner's process number shows that it is free.
            folder.rename(folder.parent / _folder_name(_NOBODY))
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    return list(parent.glob("*@*@*"))


def _folder_name(pid: int) -> str:
    return f"{pid}@{platform.node()}@{os.urandom(4).hex()}"


def _owner_of(folder: Path) -> tuple[int, str]:
    pid, host, _ = folder.name.split("@")
    return int(pid), host


def _is_abandoned(folder: Path) -> bool:
    pid, host = _owner_of(folder)
    if pid == _NOBODY or _age(folder) > SILENT_SECONDS:
        return True
    return host == platform.node() and not _is_running(pid)


def _is_running(pid: int) -> bool:
    if os.name != "posix":
        return True  # There, signal 0 would end the process.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # Another user's.
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and its parent has not waited for it, as happens in containers without an init."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    return False


def _age(folder: Path) -> float:
    """Seconds since the last write to the folder."""
    try:
        written = [path.stat().st_mtime for path in (folder, *folder.iterdir())]
    except FileNotFoundError:
        return 0.0
    return time.time() - max(written)
