"""The entry point of `imgxlate` and of `python -m imgxlate`."""

import signal
import sys
from typing import NoReturn

from imgxlate.errors import INTERRUPTED, TERMINATED, TerminatedError


def main() -> NoReturn:
    """Run the command line.

    SIGTERM, and SIGHUP from a closed terminal, unwind the program as Ctrl-C does, so that no half-written file stays.
    The exit code is 143. The handlers are set first, because the imports take a while.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP.
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
