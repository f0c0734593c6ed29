"""The library that lets system calls fail, and what its report and its journal say. See shim.c."""

import enum
import errno
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SHORT = -1
"""In place of an errno: half of the bytes are transferred."""

SURVIVED = (SHORT, errno.EINTR)
"""What no command may fail of."""


class Call(enum.IntEnum):
    """The kinds of calls, in the order of shim.c."""

    OPEN = 0
    READ = 1
    WRITE = 2
    FSYNC = 3
    RENAME = 4
    MKDIR = 5
    UNLINK = 6
    RECV = 7


ERRORS = {
    Call.OPEN: (errno.EIO, errno.EACCES, errno.ENOSPC, errno.EINTR),
    Call.READ: (errno.EIO, errno.EINTR, SHORT),
    Call.WRITE: (errno.ENOSPC, errno.EIO, errno.EINTR, SHORT),
    Call.FSYNC: (errno.EIO, errno.ENOSPC, errno.EINTR),
    Call.RENAME: (errno.EIO, errno.EACCES, errno.ENOSPC),
    Call.MKDIR: (errno.ENOSPC, errno.EACCES, errno.EIO),
    Call.UNLINK: (errno.EIO, errno.EACCES),
    Call.RECV: (errno.ECONNRESET, errno.EINTR, SHORT),
}
"""The errors that each kind of call can give."""


@dataclass(frozen=True)
class Fault:
    """The N-th call of a kind that fails. After ENOSPC all later ones fail, too: the disk stays full."""

    call: Call
    number: int
    error: int

    @property
    def lasts(self) -> bool:
        return self.error == errno.ENOSPC

    def __str__(self) -> str:
        name = "a short one" if self.error == SHORT else errno.errorcode[self.error]
        return f"{self.call.name.lower()} {self.number}: {name}"


@dataclass(frozen=True)
class Report:
    """What the shim saw."""

    counts: tuple[int, ...]  # of calls, by their kind
    failed: int
    path: Path  # of the first call that failed

    @classmethod
    def read(cls, file: Path) -> "Report":
        data = file.read_bytes()
        numbers = struct.unpack_from(f"{len(Call) + 1}i", data)
        path = os.fsdecode(data[4 * len(numbers) :].partition(b"\0")[0])
        return cls(numbers[:-1], numbers[-1], Path(path))

    def faults(self) -> Iterator[Fault]:
        """A fault for each call that was counted and each of its errors."""
        for call, errors in ERRORS.items():
            for error in errors:
                for number in range(1, self.counts[call] + 1):
                    yield Fault(call, number, error)

    def sample(self, each: int, offset: int) -> list[Fault]:
        """`each` faults for each error, spread over the calls and their numbers. `offset` gives others."""
        faults = []
        for error in dict.fromkeys(error for errors in ERRORS.values() for error in errors):
            calls = [call for call in Call if error in ERRORS[call] and self.counts[call]]
            for turn in range(offset, offset + each) if calls else ():
                call = calls[turn % len(calls)]
                faults.append(Fault(call, 1 + turn * 7 % self.counts[call], error))
        return faults


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The library, or None where it cannot be built."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"]
    subprocess.run(command, check=True, timeout=120)
    return library
