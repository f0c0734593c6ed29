"""`python -m imgxlate`, and what the command `imgxlate` starts."""

import signal
import sys
from typing import NoReturn

from imgxlate.errors import INTERRUPTED, TERMINATED, TerminatedError


def main() -> NoReturn:
    """Run the command line.

    A request to end, from a signal or a terminal that is closed, unwinds as Ctrl-C does, so that no half-written file
    stays: exit code 143. The handlers are set before anything else is imported, which takes a while.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup has it ignored: so be it.
            signal.signal(number, _terminate)
    try:
        from imgxlate.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(0)


def _terminate(*_: object) -> NoReturn:
    raise TerminatedError(TERMINATED)


if __name__ == "__main__":
    main()
