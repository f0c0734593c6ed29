"""Training runs in real processes, and images to train on."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from imgxlate import checkpoint


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

    def close(self):
        self._process.communicate()


@pytest.fixture(scope="session")
def launcher():
    measured = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    environment = {name: value for name, value in os.environ.items() if name not in measured}
    started = Launcher(environment | {"OMP_NUM_THREADS": "1"})
    yield started
    started.close()


@pytest.fixture
def launch(launcher, tmp_path):
    """Start a command line, and return the process with kill(), wait() and its errors."""
    count = 0

    def start(*arguments):
        nonlocal count
        count += 1
        log = tmp_path / f"stderr-{count}.txt"
        pid = launcher.send(arguments=[str(argument) for argument in arguments], stderr=str(log))
        return Launched(launcher, pid, log)

    return start


@pytest.fixture
def data(photo, tmp_path):
    """A folder with trainA, trainB, testA and testB that hold images of several sizes."""
    for domain, count in {"trainA": 5, "trainB": 4, "testA": 1, "testB": 1}.items():
        for index in range(count):
            photo(f"data/{domain}/{index}.png", seed=hash_of(domain, index), size=(80 + 8 * index, 96))
    return tmp_path / "data"


def hash_of(domain, index):
    return sum(map(ord, domain)) * 100 + index


@pytest.fixture
def payload():
    """A function that returns the checksum of a checkpoint's tensors."""
    return lambda path: checkpoint.payload_sha256(checkpoint.read(path).tensors)
