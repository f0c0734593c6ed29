"""Runs `imgxlate` for scripts without its start, which takes longer than its work: a process that has imported all it
needs forks itself for each call. What is called is a process of its own, with the caller's streams, folder and
environment.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

# What stands in the place of the command: it hands itself over, and ends as the call does.
COMMAND = """\
#!{python} -SE
import json, os, socket, sys

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({place!r})
    call = {{"arguments": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}}
    socket.send_fds(connection, [json.dumps(call).encode()], [0, 1, 2])
    sys.exit(ord(connection.recv(1)))
"""

_LONGEST = 2**20  # bytes of a call


def serve(folder: Path) -> NoReturn:
    """Make the command in `folder` and answer its calls; says so on standard output once it does."""
    import imgxlate.cli.commands.translate
    import imgxlate.engine.inference
    import imgxlate.engine.models
    import imgxlate.images.encode
    import imgxlate.methods.munit.method  # noqa: F401 (all of these for the calls)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for the calls.
    place, command = str(folder / "socket"), folder / "imgxlate"
    command.write_text(COMMAND.format(python=sys.executable, place=place))
    command.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen()
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    listener.close()
                    answer(connection)


def answer(connection: socket.socket) -> NoReturn:
    """Be the process that a call asks for."""
    from imgxlate.__main__ import main

    message, streams, _, _ = socket.recv_fds(connection, _LONGEST, 3)
    call = json.loads(message)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.argv = call["arguments"]
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([code]))
        os._exit(code)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
