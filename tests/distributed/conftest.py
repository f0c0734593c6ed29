"""Real processes, started with the environment that torchrun sets."""

import socket
import subprocess
import sys

import pytest


@pytest.fixture
def torchrun(unmeasured, heed_signals):
    """Start Python code in `size` processes with the variables that torchrun sets, and return the processes."""
    started = []

    def start(*arguments, size=2, **variables):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for rank in range(size):
            ranks = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank}
            address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            environment = unmeasured | {name: str(value) for name, value in {**ranks, **address, **variables}.items()}
            started.append(
                subprocess.Popen(
                    [sys.executable, *map(str, arguments)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=environment,
                    preexec_fn=heed_signals,
                )
            )
        return started[-size:]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def outputs():
    """Wait for processes, check that each succeeded, and return the standard output of each."""

    def collect(processes):
        found = [process.communicate(timeout=120) for process in processes]
        for process, (_, errors) in zip(processes, found, strict=True):
            assert process.returncode == 0, errors
        return [output for output, _ in found]

    return collect
