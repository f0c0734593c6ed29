"""Requests to end: the first lets a step finish and be saved, the second ends the process at once."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from imgxlate.errors import INTERRUPTED, TERMINATED, TerminatedError

_EXIT_CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
if hasattr(signal, "SIGHUP"):  # Windows has none.
    _EXIT_CODES[signal.SIGHUP] = TERMINATED

_ECHO = 0.3  # seconds within which a request may come twice: to all processes of a group, and from their starter


class Stop:
    """Whether somebody asked the program to end, by Ctrl-C or a signal."""

    def __init__(self) -> None:
        self.exit_code = 0  # what to end with; 0: nobody asked


@contextlib.contextmanager
def deferred(notify: Callable[[str], None]) -> Iterator[Stop]:
    """Within the block, note a first SIGINT, SIGTERM or SIGHUP in the Stop; at a second, end the process at once.

    Works from the main thread only. A thread of its own waits for the second one, because the main thread may be deep
    in a computation of many seconds, in which Python runs no handler. What is ignored stays ignored, as under nohup.
    """
    stop = Stop()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    heeded = {number: signal.getsignal(number) for number in _EXIT_CODES if signal.getsignal(number) != signal.SIG_IGN}
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in heeded:
        signal.signal(number, _leave_to_thread)
    thread = threading.Thread(target=_watch, args=(reader, stop, notify), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in heeded.items():
            signal.signal(number, handler)
        os.close(writer)
        thread.join()
        os.close(reader)


def ending(exit_code: int) -> BaseException:
    """What to raise for a request to end, once all is saved."""
    return KeyboardInterrupt() if exit_code == INTERRUPTED else TerminatedError(exit_code)


def _leave_to_thread(*_: Any) -> None:
    """Python tells the pipe of every signal that has a handler; there is nothing else to do."""


def _watch(reader: int, stop: Stop, notify: Callable[[str], None]) -> None:
    asked = 0.0
    while number := os.read(reader, 1):
        exit_code = _EXIT_CODES.get(signal.Signals(number[0]))
        if exit_code is None:  # Others are told of too, such as the end of a child.
            continue
        if stop.exit_code:
            if time.monotonic() - asked > _ECHO:
                os._exit(exit_code)
            continue
        asked = time.monotonic()
        stop.exit_code = exit_code
        # Who is told may not listen, and keep the teller waiting: not this thread.
        text = "finishing this step and saving; once more ends at once, and loses what is not saved"
        threading.Thread(target=notify, args=(text,), daemon=True).start()
