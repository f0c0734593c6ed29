"""The exception tree. Each class has the exit code of the command line.

ImgxlateError          1   the base of all; as an exit code: an unexpected error
├── UsageError         2   an invalid option or argument
├── ImageError         3   an image that cannot be read
├── BatchError         4   some inputs of a batch failed, the others are done
├── WeightsError       5   weights that are missing or damaged, or cannot be downloaded
│   └── NetworkError   5   the network or a server failed, or the network is switched off
├── CheckpointError    6   a checkpoint that is damaged, unsafe or of another method
├── DeviceError        7   a missing device, or not enough memory
├── DivergedError      8   values that became NaN or infinite
└── OutputError        9   an output that already exists or cannot be written
    └── FormatError    9   an image that the format of its output cannot hold
"""

import errno
from pathlib import Path
from typing import Any, Self

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

TERMINATED = 143
"""The exit code after SIGTERM."""


class TerminatedError(SystemExit):
    """A signal ends the program. It is not a plug-in's own exit, so do not catch it."""


class ImgxlateError(Exception):
    """Base of all errors that imgxlate raises on purpose.

    `hint` says what to do or to type next, if there is something.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ImgxlateError):
    """An invalid option or argument."""

    exit_code = 2


class ImageError(ImgxlateError):
    """An image file that cannot be read. `path` says which, `reason` why."""

    exit_code = 3

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{path}: {reason}", hint=hint)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[Self], tuple[Path | str, str], dict[str, Any]]:
        """For sending the error from one process to another."""
        return type(self), (self.path, self.reason), self.__dict__


class BatchError(ImgxlateError):
    """Some inputs of a batch failed; the others are done."""

    exit_code = 4


class WeightsError(ImgxlateError):
    """Weights that are missing or damaged, or cannot be downloaded."""

    exit_code = 5


class NetworkError(WeightsError):
    """The network or a server failed, or the network is switched off."""


class CheckpointError(ImgxlateError):
    """A checkpoint that is damaged, unsafe, or of another kind than the one needed."""

    exit_code = 6


class DeviceError(ImgxlateError):
    """A missing device, or not enough memory on it."""

    exit_code = 7


class DivergedError(ImgxlateError):
    """Values that became NaN or infinite."""

    exit_code = 8


class OutputError(ImgxlateError):
    """An output that already exists or cannot be written."""

    exit_code = 9


class FormatError(OutputError):
    """An image that the format of its output cannot hold. It may hold other images of a batch."""


_DISK_HINTS = {
    errno.ENOSPC: "Free some space, then type the same command again.",
    errno.EDQUOT: "Free some of your quota, then type the same command again.",
    errno.EACCES: "Change the permissions, or give another path.",
    errno.EPERM: "Change the permissions, or give another path.",
    errno.EROFS: "The disk is read-only: give a path on another one.",
    errno.EIO: "Check the disk and its connection, then type the same command again.",
    errno.ENAMETOOLONG: "Give a shorter name.",
}


def disk_hint(error: OSError) -> str:
    """What to do after an error of the disk."""
    return _DISK_HINTS.get(error.errno or 0, "Check the path.")


def unreadable(path: Path, error: OSError) -> CheckpointError:
    """The error for a checkpoint, or another file of a run, that the disk does not give."""
    return CheckpointError(f"{path}: cannot be read: {error.strerror or error}", hint=disk_hint(error))


_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")


def known_error(error: Exception) -> ImgxlateError | None:
    """`error` itself if it is an ImgxlateError, a DeviceError if memory ran out, None for a bug."""
    if isinstance(error, ImgxlateError):
        return error
    if is_out_of_memory(error):
        reason = str(error).splitlines()[0] if str(error) else "out of memory"
        return DeviceError(reason, hint="Use smaller images, fewer at once, or a device with more memory.")
    return None


def is_out_of_memory(error: Exception) -> bool:
    """Whether Python or torch reports that memory ran out."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _OUT_OF_MEMORY)
