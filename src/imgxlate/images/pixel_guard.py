"""Pillow's own guard against images of too many pixels, which it has once for the process."""

import contextlib
import threading
from collections.abc import Iterator

from PIL import Image


class PixelGuard:
    """Raises Pillow's limit while threads read larger images, and restores it after the last one.

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


PIXEL_GUARD = PixelGuard()
