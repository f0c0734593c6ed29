"""The entry point of `imgxlate` and of `python -m imgxlate`."""

import atexit
import contextlib
import os
import signal
import sys
from typing import NoReturn

from imgxlate.cli import interrupts
from imgxlate.errors import INTERRUPTED, TERMINATED, TerminatedError


def main() -> NoReturn:
    """Run the command line.

    SIGTERM, and SIGHUP from a closed terminal, unwind the program as Ctrl-C does, so that no half-written file stays.
    The exit code is 143. The handlers are set first, because the imports take a while. Signals wait until a command
    begins.
    """
    interrupts.hold()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP.
            signal.signal(number, _terminate)
    try:
        from imgxlate.cli.app import app

        app()
    except KeyboardInterrupt:
        _exit(INTERRUPTED)
    except SystemExit as error:
        if isinstance(error.code, int) and (error.code == INTERRUPTED or "WORLD_SIZE" in os.environ):
            _exit(error.code)
        raise
    sys.exit(0)


def _exit(code: int) -> NoReturn:
    """Exit with a code, without taking apart the interpreter.

    After an interrupt, Python itself may end with the signal instead, although it was caught: it does so if the
    interrupt met code that a library runs from a string, as dataclasses do when they are imported. One of several
    processes of torchrun was seen to abort after all its work was done.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # It may be closed, or nobody reads it.
            stream.flush()
    os._exit(code)


def _terminate(*_: object) -> NoReturn:
    raise TerminatedError(TERMINATED)


if __name__ == "__main__":
    main()
