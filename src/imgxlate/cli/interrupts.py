"""Keeps Ctrl-C and SIGTERM waiting during imports: numpy and torch ignore some exceptions while they are imported."""

import contextlib
import signal
from collections.abc import Iterator

_MASKABLE = hasattr(signal, "pthread_sigmask")  # Windows has none of this.
_ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


def hold() -> None:
    """Keep signals waiting until `release`."""
    if _MASKABLE:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def release() -> None:
    """Deliver the signals that wait, and later ones at once."""
    if _MASKABLE:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Keep signals waiting within the block."""
    hold()
    try:
        yield
    finally:
        release()
