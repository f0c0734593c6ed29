"""Start command lines fast: this process imports everything once and forks for each of them.

Reads lines of JSON from stdin and answers each with a line. {"arguments": [...], "stdout": PATH, "stderr": PATH} is
answered with the number of the new process, and {"poll": PID} with its exit status, as `subprocess` returns it, or with
null while it runs. "program" is a Python file to run in place of imgxlate, "folder" is the current folder of the new
process, "environment" holds more variables, "catalogue" is a catalogue of weights in place of the package's, and "shim"
is a function of shim.c with its arguments.

SOCKET, its argument, takes the command lines of client.py. Each has the streams and the environment of the client.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

from imgxlate.__main__ import main

LATE = (
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "imgxlate.api",
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
    "imgxlate.inference.stylization",
    "imgxlate.methods.adain.training",
    "imgxlate.methods.cut.training",
    "imgxlate.methods.cyclegan.training",
    "imgxlate.methods.gatys.method",
    "imgxlate.methods.munit.training",
    "imgxlate.methods.unit.training",
    "imgxlate.training.run",
    "typer._adapters",
    "torch._dynamo",  # Every optimizer of torch loads it.
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "matplotlib.ticker",
)
"""What commands import late, which takes most of a short one's time."""

LIMIT = 240  # seconds; a process that hangs is killed
LIMIT_WITH_SHIM = 120


def serve(server):
    """Start what stdin and the clients order, until stdin ends."""
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ, lambda: answer(sys.stdin.readline()))
    ready.register(server, selectors.EVENT_READ, lambda: start_for_client(server))
    while all(key.data() for key, _ in ready.select()):  # What comes after the end of stdin is not wanted.
        pass


def answer(line):
    """Do what a line of stdin says. Returns whether there was one."""
    if line:
        order = json.loads(line)
        print(json.dumps(poll(order["poll"]) if "poll" in order else start(**order)), flush=True)
    return bool(line)


def poll(number):
    """The exit status of a process, negative for the signal that killed it, or None while it runs."""
    ended, status = os.waitpid(number, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def start(arguments, stdout, stderr, folder=None, environment=None, catalogue=None, shim=None, program=None):
    """Fork a process that runs a command line with its output in files, and return its number."""
    number = os.fork()
    if not number:
        os.environ.update(environment or {})
        os.chdir(folder or ".")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, path in enumerate((stdout, stderr), 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), stream)
        if catalogue:
            replace_catalogue(catalogue)
        os._exit(run(arguments, program, shim))
    return number


def start_for_client(server):
    """Fork a process that runs the command line of a client, which is sent the exit code."""
    connection = server.accept()[0]
    with connection:
        number = os.fork()
        if not number:
            message, streams, *_ = socket.recv_fds(connection, 1 << 16, 3)
            while more := connection.recv(1 << 16):
                message += more
            order = json.loads(message)
            os.environ.clear()
            os.environ.update(order["environment"])
            os.chdir(order["folder"])
            for stream, descriptor in enumerate(streams):
                os.dup2(descriptor, stream)
                os.close(descriptor)
            if order["startup"]:
                runpy.run_path(order["startup"])
            leave = os._exit

            def tell_and_leave(code):
                connection.send(str(code).encode())
                leave(code)

            os._exit = tell_and_leave  # A command may end by it.
            os._exit(run(order["arguments"]))
    return True


def replace_catalogue(path):
    """Let this process know the weights of another catalogue."""
    from imgxlate.weights import cards

    cards.CATALOGUE = Path(path)
    cards.cards.cache_clear()


def run(arguments, program=None, shim=None):
    """Run a command line in this process, and return its exit code."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)
    signal.alarm(LIMIT_WITH_SHIM if shim else LIMIT)
    sys.argv = [program or "imgxlate", *arguments]
    if shim:
        call(*shim)
    return exit_code(lambda: runpy.run_path(program, run_name="__main__") if program else main())


def call(name, *values):
    """Call a function of shim.c, which is loaded before all other libraries."""
    getattr(ctypes.CDLL(None), name)(*(os.fsencode(value) if isinstance(value, str) else value for value in values))


def exit_code(function):
    """Do as the end of Python does, without taking apart all that was imported, which takes most of a second."""
    code = 0
    try:
        function()
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    return code


if __name__ == "__main__":  # Processes that load images import this file, too.
    for module in LATE:
        importlib.import_module(module)
    gc.freeze()  # Else the first collection of each process copies most of the memory.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(sys.argv[1])
        listener.listen(100)
        serve(listener)
