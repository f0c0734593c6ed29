"""Partial downloads: kept when a process dies, taken over by the next one, never shared by two.

Each process works in a folder that only it knows, `PID@HOST@TOKEN`. It gets what an earlier process left by renaming
that one's folder, which succeeds for one process only. So two processes may fetch the same file at the same time, as
happens where file locks do nothing, and both get it right: what is lost is bandwidth.
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

STALE_SECONDS = 7 * 24 * 3600.0  # Older leftovers are removed.
SILENT_SECONDS = 600.0  # A living download gives up on a stalled server long before.
_NOBODY = 0


@dataclass(frozen=True, slots=True)
class Source:
    """What a partial file is the beginning of."""

    url: str
    validator: str | None  # the ETag or date by which the server recognises the file; None: it cannot be resumed
    total: int | None  # bytes


@dataclass(frozen=True, slots=True)
class Partial:
    """The beginning of a file, and what it is the beginning of."""

    folder: Path

    @property
    def file(self) -> Path:
        """The bytes so far."""
        return self.folder / "data"

    @property
    def size(self) -> int:
        """How many bytes there are."""
        try:
            return self.file.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def source(self) -> Source | None:
        """What the bytes belong to; None where that is not known, so that they are of no use."""
        try:
            return Source(**json.loads(self._note.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def start(self, source: Source) -> None:
        """Begin anew, with no bytes of `source`."""
        self.discard()
        self._note.write_text(json.dumps(asdict(source)))
        self.file.touch()

    def discard(self) -> None:
        """Forget the bytes."""
        # In this order, so that bytes are never taken for another source's, and a new file each time, so that a process
        # that still writes into the old one does no harm.
        self.file.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.folder / "source.json"


@contextlib.contextmanager
def claim(parent: Path) -> Iterator[Partial]:
    """A partial file of this process's own, with what an earlier one left in `parent`; left there for the next one.

    Raises:
        OSError: the folder cannot be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / _folder_name(os.getpid())
    _take_over_largest(parent, folder)
    folder.mkdir(exist_ok=True)
    try:
        yield Partial(folder)
    finally:
        _let_go(folder)


def owner(parent: Path) -> str | None:
    """Which living process is at work in `parent`, in words."""
    for folder in _folders(parent):
        pid, host = _owner_of(folder)
        if not _is_abandoned(folder):
            return f"process {pid} on {host}"
    return None


def prune(root: Path) -> None:
    """Remove what nobody has touched for a week from the folders in `root`."""
    for folder in root.glob("*/*@*@*"):
        if _age(folder) > STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


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
        with contextlib.suppress(OSError):  # What cannot be renamed is found by the dead owner's number.
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
    """Whether a process is dead and nobody has asked after it, as where the first process of a container does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    return False


def _age(folder: Path) -> float:
    """Seconds since something was written to it."""
    try:
        written = [path.stat().st_mtime for path in (folder, *folder.iterdir())]
    except FileNotFoundError:
        return 0.0
    return time.time() - max(written)
