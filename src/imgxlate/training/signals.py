"""Signals that end a run: the first lets it finish the step and save, the second ends the process at once."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from imgxlate.callbacks import Notify
from imgxlate.errors import INTERRUPTED, TERMINATED, TerminatedError

_EXIT_CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
if hasattr(signal, "SIGHUP"):  # Windows has none.
    _EXIT_CODES[signal.SIGHUP] = TERMINATED

# A signal may arrive twice, once sent to all processes of a group and once forwarded by torchrun. Within so many
# seconds, the second one counts as a copy of the first.
_ECHO_SECONDS = 0.3


class Stop:
    """Whether a signal has arrived."""

    def __init__(self) -> None:
        self.exit_code = 0  # the exit code to end with; 0: no signal has arrived


@contextlib.contextmanager
def deferred_signals(notify: Notify) -> Iterator[Stop]:
    """Within the block, only note the first SIGINT, SIGTERM or SIGHUP. A second signal ends the process at once.

    A thread of its own waits for the signals, because Python runs no handler while the main thread is inside a long
    computation. Signals that were ignored, as under nohup, stay ignored. Outside the main thread, where Python allows
    no handlers, the block leaves all signals to the main thread.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    handlers = {number: signal.getsignal(number) for number in _EXIT_CODES}
    handlers = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in handlers:
        signal.signal(number, _leave_to_thread)
    thread = threading.Thread(target=_watch, args=(reader, stop, notify), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(writer)
        thread.join()
        os.close(reader)


def stop_error(exit_code: int) -> BaseException:
    """The exception to raise after a signal, once everything is saved."""
    return KeyboardInterrupt() if exit_code == INTERRUPTED else TerminatedError(exit_code)


def _leave_to_thread(*_: Any) -> None:
    """Do nothing. Python writes each signal that has a handler to the pipe, where the thread reads it."""


def _watch(reader: int, stop: Stop, notify: Notify) -> None:
    first = 0.0
    while number := os.read(reader, 1):
        exit_code = _EXIT_CODES.get(signal.Signals(number[0]))
        if exit_code is None:  # The pipe carries other signals, too, such as SIGCHLD.
            continue
        if stop.exit_code:
            if time.monotonic() - first > _ECHO_SECONDS:
                os._exit(exit_code)
            continue
        first = time.monotonic()
        stop.exit_code = exit_code
        # From yet another thread: `notify` may block, for example on a full pipe, and this thread must not.
        text = "finishing this step and saving; interrupt again to end at once without saving"
        threading.Thread(target=notify, args=(text,), daemon=True).start()
