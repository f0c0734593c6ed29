"""Command lines in processes that a launcher forks."""

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE = 120  # seconds


@dataclass
class Launched:
    """A process that the launcher forked, much like a `subprocess.Popen` whose output is in files."""

    launcher: "Launcher"
    pid: int
    stdout: Path
    stderr: Path
    returncode: int | None = None

    def kill(self, number):
        os.kill(self.pid, number)

    def runs(self):
        """Whether the process is running. After its end it is a zombie until `wait` is called."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"

    def wait(self, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while self.returncode is None:
            self.returncode = self.launcher.send(poll=self.pid)
            if self.returncode is None:
                assert time.monotonic() < end, f"it still runs: {self.errors}"
                time.sleep(0.005)
        return self.returncode

    def wait_for(self, start, timeout=PATIENCE):
        """Wait for a line on stdout that begins so."""
        end = time.monotonic() + timeout
        while not any(line.startswith(start) for line in self.output.splitlines(keepends=True)):
            assert self.runs(), self.errors
            assert time.monotonic() < end, f"no line {start!r}: {self.errors}"
            time.sleep(0.01)

    @property
    def output(self):
        return self.stdout.read_text() if self.stdout.exists() else ""

    @property
    def errors(self):
        return self.stderr.read_text() if self.stderr.exists() else ""


class Launcher:
    """Starts command lines in new processes that need not import torch again."""

    def __init__(self, environment, folder):
        self._address = folder / "socket"
        command = [sys.executable, Path(__file__).with_name("launcher.py"), self._address]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, text=True, env=environment, **pipes)
        self.program = folder / "imgxlate"
        self.write_program(self.program)

    def send(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, arguments, stderr, stdout=os.devnull, environment=None, **more):
        """Start a command line, with the folders for the cache and for data of this test."""
        own = {name: os.environ[name] for name in ("IMGXLATE_CACHE", "IMGXLATE_DATA") if name in os.environ}
        more["environment"] = own | (environment or {})
        words = [str(argument) for argument in arguments]
        pid = self.send(arguments=words, stdout=str(stdout), stderr=str(stderr), **more)
        return Launched(self, pid, Path(stdout), Path(stderr))

    def write_program(self, path, startup=""):
        """Write a program `imgxlate` for shells. Its processes run the Python file `startup` first."""
        client = Path(__file__).with_name("client.py")
        words = [sys.executable, "-IS", client, self._address, startup]
        path.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
        path.chmod(0o755)

    def close(self):
        self._process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="session")
def launcher(shim, tmp_path_factory):
    measured = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    environment = {name: value for name, value in os.environ.items() if name not in measured}
    preloaded = {"LD_PRELOAD": str(shim)} if shim else {}
    started = Launcher(environment | preloaded | {"OMP_NUM_THREADS": "1"}, tmp_path_factory.mktemp("launcher"))
    started.send(arguments=["--version"], stdout=os.devnull, stderr=os.devnull)  # It has imported all.
    yield started
    started.close()
