"""Hiding the warnings of the image library, and the lines of libtiff, from the user."""

import contextlib
import ctypes
import threading
import warnings
from types import TracebackType

from PIL import Image


class Silence:
    """A context in which warnings are ignored, from the entry of the first thread to the exit of the last.

    `warnings.catch_warnings` alone is not enough: it restores the filters that it found. If two threads overlap, these
    are the filters of the other thread, and the process would stay silent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(kind, error, traceback)


WARNINGS_IGNORED = Silence()
"""The process has one list of warning filters, so all threads share this context."""


def silence_libtiff() -> None:
    """Stop libtiff, in Pillow, from printing its errors to standard error. Pillow raises an exception for each anyway.

    The handler is one for the process. Where libtiff's functions cannot be found, nothing changes.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler  # type: ignore[attr-defined]
        handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        handler(None)
