"""What the image library has once for the process, and threads must share: its warnings, and its limit of pixels."""

import contextlib
import threading
import warnings
from collections.abc import Iterator
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


class PixelGuard:
    """Pillow's own guard against images of too many pixels, while threads read larger ones.

    Pillow refuses an image of more than twice `Image.MAX_IMAGE_PIXELS`. While threads are inside, it allows the largest
    of their limits. Each thread must check its own limit.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: list[int] = []
        self._outside: int | None = None  # MAX_IMAGE_PIXELS without these threads

    @contextlib.contextmanager
    def allowing(self, pixels: int) -> Iterator[None]:
        """Allow images of that many pixels within the block."""
        with self._lock:
            if not self._inside:
                self._outside = Image.MAX_IMAGE_PIXELS
            self._inside.append(pixels)
            self._set()
        try:
            yield
        finally:
            with self._lock:
                self._inside.remove(pixels)
                self._set()

    def _set(self) -> None:
        outside, inside = self._outside, [(pixels + 1) // 2 for pixels in self._inside]
        Image.MAX_IMAGE_PIXELS = None if outside is None else max(outside, *inside, 0)


PILLOWS_GUARD = PixelGuard()
