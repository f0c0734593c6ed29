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
        _exit_interrupted()
    except SystemExit as error:
        if error.code == INTERRUPTED:
            _exit_interrupted()
        raise
    sys.exit(0)


def _exit_interrupted() -> NoReturn:
    """Exit with 130. Python itself may end with the signal instead, although the interrupt was caught.

    It does so if the interrupt met code that a library runs from a string, as dataclasses do when they are imported.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # It may be closed, or nobody reads it.
            stream.flush()
    os._exit(INTERRUPTED)


def _terminate(*_: object) -> NoReturn:
    raise TerminatedError(TERMINATED)


if __name__ == "__main__":
    main()
