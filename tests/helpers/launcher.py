"""Start command lines fast: this process imports everything once and forks for each of them.

Reads lines of JSON. It answers {"arguments": [...], "stderr": PATH} with the number of the new process, and
{"wait": PID} with the exit status of the process, as `subprocess` returns it. "folder" is the current folder of the
new process, "environment" holds more variables, "catalogue" is a catalogue of weights in place of the package's, and
"shim" is a function of shim.c with its arguments.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path

from imgxlate.__main__ import main

LATE = (
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "imgxlate.cli.app",
    "imgxlate.cli.commands.compare",
    "imgxlate.cli.commands.train",
    "imgxlate.cli.commands.translate",
    "imgxlate.cli.commands.weights",
    "imgxlate.downloads.http",
    "imgxlate.evaluate.report",
    "imgxlate.export.importing",
    "imgxlate.export.write",
    "imgxlate.metrics.diversity",
    "imgxlate.methods.cyclegan.training",
    "imgxlate.methods.munit.training",
    "imgxlate.training.run",
    "typer._adapters",
    "torch._dynamo",  # Every optimizer of torch loads it.
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "matplotlib.ticker",
)
"""What commands import late, which takes most of a short one's time."""

LIMIT = 120  # seconds; a process with a shim that hangs is killed


def start(arguments, stderr, folder=None, environment=None, catalogue=None, shim=None):
    """Fork a process that runs a command line with its stderr in a file, and return its number."""
    number = os.fork()
    if not number:
        os.environ.update(environment or {})
        os.chdir(folder or ".")
        if catalogue:
            replace_catalogue(catalogue)
        run(arguments, stderr, shim)
    return number


def replace_catalogue(path):
    """Let this process know the weights of another catalogue."""
    from imgxlate.weights import cards

    cards.CATALOGUE = Path(path)
    cards.cards.cache_clear()


def run(arguments, stderr, shim):
    """Run the command line in this process."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.argv = ["imgxlate", *arguments]
    if shim:
        call(*shim)
        exit_fast()
    main()


def call(name, *values):
    """Call a function of shim.c, which is loaded before all other libraries."""
    getattr(ctypes.CDLL(None), name)(*(os.fsencode(value) if isinstance(value, str) else value for value in values))


def exit_fast():
    """Run the command line, and end without taking apart all that was imported, which takes most of a second."""
    signal.alarm(LIMIT)
    try:
        main()
    except SystemExit as error:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(error.code)


def wait(number):
    """The exit status of a process; negative for the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


if __name__ == "__main__":  # Processes that load images import this file, too.
    for module in LATE:
        importlib.import_module(module)
    gc.freeze()  # Else the first collection of each process copies most of the memory.
    for line in sys.stdin:
        order = json.loads(line)
        answer = wait(order["wait"]) if "wait" in order else start(**order)
        print(answer, flush=True)
