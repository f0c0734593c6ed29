"""Command lines in processes that a launcher forks."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Launched:
    """A process that the launcher forked."""

    launcher: "Launcher"
    pid: int
    log: Path

    def kill(self, number):
        os.kill(self.pid, number)

    def runs(self):
        """Whether the process is running. After its end it is a zombie until `wait` is called."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"

    def wait(self):
        return self.launcher.send(wait=self.pid)

    @property
    def errors(self):
        return self.log.read_text()


class Launcher:
    """Starts command lines in new processes that need not import torch again."""

    def __init__(self, environment):
        script = Path(__file__).with_name("launcher.py")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen([sys.executable, script], text=True, env=environment, **pipes)

    def send(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, arguments, log, **more):
        pid = self.send(arguments=[str(argument) for argument in arguments], stderr=str(log), **more)
        return Launched(self, pid, log)

    def close(self):
        self._process.communicate(timeout=120)


@pytest.fixture(scope="session")
def launcher(shim):
    measured = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    environment = {name: value for name, value in os.environ.items() if name not in measured}
    preloaded = {"LD_PRELOAD": str(shim)} if shim else {}
    started = Launcher(environment | preloaded | {"OMP_NUM_THREADS": "1"})
    yield started
    started.close()
