"""The exception tree. Each class knows the exit code that the command line ends with.

ImgxlateError          1   something we did not foresee
├── UsageError         2   an option or an argument that cannot be
├── ImageError         3   an image that cannot be read
├── BatchError         4   some of a batch failed, the rest is done
├── WeightsError       5   weights that are missing, wrong or cannot be fetched
│   └── NetworkError   5   the network or a server failed
├── CheckpointError    6   a checkpoint that is damaged, unsafe or another method's
├── DeviceError        7   a device that is absent, or too little memory
├── DivergedError      8   numbers that became NaN or infinite
└── OutputError        9   an output that exists or cannot be written
"""

from pathlib import Path
from typing import Any, Self

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

TERMINATED = 143
"""The exit code after SIGTERM."""


class TerminatedError(SystemExit):
    """The program was asked to end by a signal. It is no plug-in's exit, and not to be caught."""


class ImgxlateError(Exception):
    """Base of all errors that imgxlate raises on purpose.

    `hint`, where there is one, is the next thing to do or to type.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ImgxlateError):
    """An option or an argument that cannot be."""

    exit_code = 2


class ImageError(ImgxlateError):
    """An image file that cannot be read; `path` and `reason` say which and why."""

    exit_code = 3

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{path}: {reason}", hint=hint)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[Self], tuple[Path | str, str], dict[str, Any]]:
        """So that it can be sent from one process to another."""
        return type(self), (self.path, self.reason), self.__dict__


class BatchError(ImgxlateError):
    """Some inputs of a batch failed; the others are done."""

    exit_code = 4


class WeightsError(ImgxlateError):
    """Weights that are missing, wrong, or cannot be fetched."""

    exit_code = 5


class NetworkError(WeightsError):
    """The network or a server failed, or the network is switched off."""


class CheckpointError(ImgxlateError):
    """A checkpoint that is damaged, unsafe, or not the kind that was asked for."""

    exit_code = 6


class DeviceError(ImgxlateError):
    """A device that is absent, or too little memory on it."""

    exit_code = 7


class DivergedError(ImgxlateError):
    """Numbers that became NaN or infinite."""

    exit_code = 8


class OutputError(ImgxlateError):
    """An output that already exists or cannot be written."""

    exit_code = 9


_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")


def known_error(error: Exception) -> ImgxlateError | None:
    """`error` as one of ours: itself, or a DeviceError if memory ran out. None for a bug."""
    if isinstance(error, ImgxlateError):
        return error
    if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _OUT_OF_MEMORY):
        reason = str(error).splitlines()[0] if str(error) else "memory ran out"
        return DeviceError(reason, hint="Use smaller images, fewer at once, or a device with more memory.")
    return None
