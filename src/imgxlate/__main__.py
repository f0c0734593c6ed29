"""`python -m imgxlate`, and what the command `imgxlate` starts."""

import signal
import sys
from typing import NoReturn

from imgxlate.errors import INTERRUPTED, TERMINATED


def main() -> NoReturn:
    """Run the command line.

    A request to end, from a signal or a terminal that is closed, unwinds as Ctrl-C does, so that no half-written file
    stays: exit code 143. The handlers are set before anything else is imported, which takes a while.
    """
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP.
            signal.signal(getattr(signal, name), lambda *_: sys.exit(TERMINATED))
    try:
        from imgxlate.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(0)


if __name__ == "__main__":
    main()
