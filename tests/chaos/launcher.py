"""Starts command lines fast: everything is imported once, and each process is a fork of this one.

Reads lines of JSON, {"arguments": [...], "stderr": PATH}, and answers each with the number of the process; a line
{"wait": PID} is answered with its exit status, as `subprocess` has it.
"""

import json
import os
import signal
import sys

from imgxlate.__main__ import main


def start(arguments, stderr):
    """Fork a process with a command line, its stderr in a file; gives its number."""
    number = os.fork()
    if not number:
        run(arguments, stderr)
    return number


def run(arguments, stderr):
    """Become the command line."""
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


if __name__ == "__main__":  # Processes that load pictures import this file, too.
    for line in sys.stdin:
        order = json.loads(line)
        answer = wait(order["wait"]) if "wait" in order else start(order["arguments"], order["stderr"])
        print(answer, flush=True)
