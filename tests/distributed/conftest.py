"""Processes with the environment that torchrun sets."""

import os
import signal
import socket

import pytest


@pytest.fixture
def torchrun(launcher, tmp_path):
    """Run a program in `size` processes with the variables that torchrun sets, and return the processes.

    It is a Python file, or None for imgxlate.
    """
    started = []

    def start(program, *arguments, size=2, **variables):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for rank in range(size):
            ranks = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank}
            address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            environment = {name: str(value) for name, value in {**ranks, **address, **variables}.items()}
            files = (tmp_path / f"{stream}-{len(started)}.txt" for stream in ("stderr", "stdout"))
            more = {"program": str(program)} if program else {}
            started.append(launcher.start(arguments, *files, environment, **more))
        return started[-size:]

    yield start
    for process in started:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def outputs():
    """Wait for processes, check that each succeeded, and return the standard output of each."""

    def collect(processes):
        statuses = [process.wait() for process in processes]
        for process, status in zip(processes, statuses, strict=True):
            assert status == 0, process.errors
        return [process.output for process in processes]

    return collect
