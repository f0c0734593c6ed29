"""What the tests of the command line share."""

import os
import pty
import subprocess
import sys

import pytest
from films import clip, drawn, opened  # noqa: F401 (fixtures)


@pytest.fixture
def on_a_terminal():
    """Run Python code on a terminal of 100 columns; gives what it showed, escape codes and all."""

    def run(code, *arguments):
        leader, follower = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=follower, stderr=follower, env=environment)
        os.close(follower)
        shown = b""
        while chunk := _read(leader):
            shown += chunk
        os.close(leader)
        process.wait()
        return shown.decode()

    return run


def _read(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux answers so when the other end is closed.
        return b""
