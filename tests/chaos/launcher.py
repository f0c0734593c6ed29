"""Start command lines fast: this process imports everything once and forks for each of them.

Reads lines of JSON. It answers {"arguments": [...], "stderr": PATH} with the number of the new process, and
{"wait": PID} with the exit status of the process, as `subprocess` returns it.
"""

import importlib
import json
import os
import signal
import sys

from imgxlate.__main__ import main

LATE = (
    "imgxlate.cli.app",
    "imgxlate.training.run",
    "torch._dynamo",  # Every optimizer of torch loads it.
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "matplotlib.ticker",
)
"""What trainings import late, which takes most of a short one's time."""


def start(arguments, stderr):
    """Fork a process that runs a command line with its stderr in a file, and return its number."""
    number = os.fork()
    if not number:
        run(arguments, stderr)
    return number


def run(arguments, stderr):
    """Run the command line in this process."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.argv = ["imgxlate", *arguments]
    main()


def wait(number):
    """The exit status of a process; negative for the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


if __name__ == "__main__":  # Processes that load images import this file, too.
    for module in LATE:
        importlib.import_module(module)
    for line in sys.stdin:
        order = json.loads(line)
        answer = wait(order["wait"]) if "wait" in order else start(order["arguments"], order["stderr"])
        print(answer, flush=True)
