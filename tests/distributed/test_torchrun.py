"""`torchrun -m imgxlate train`, as a user types it."""

import subprocess
import sys

import pytest

from imgxlate import checkpoint

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "imgxlate"]


@pytest.fixture
def data(photo, tmp_path):
    for domain in ("trainA", "trainB"):
        for index in range(3):
            photo(f"data/{domain}/{index}.png", seed=10 * index + len(domain), size=(72, 80))
    return tmp_path / "data"


@pytest.fixture
def train(unmeasured, data, tmp_path):
    def run(*more):
        arguments = ["train", "cyclegan", data, "--out", tmp_path / "run", "--preset", "tiny", "--workers", 1, *more]
        command = [*TORCHRUN, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=unmeasured, timeout=120)

    return run


def test_one_process_speaks_and_writes(train, tmp_path):
    done = train("--iterations", 3, "--batch-size", 2, "--checkpoint-every", 2, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step 3 of 3") == 1
    assert len(done.stdout.splitlines()) == 3  # Checkpoints after steps 2 and 3, and the model.
    assert checkpoint.read(tmp_path / "run" / "model.safetensors").header["step"] == 3

    resumed = train("--iterations", 4, "--batch-size", 2, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert checkpoint.read(tmp_path / "run" / "model.safetensors").header["step"] == 4


def test_a_batch_that_cannot_be_split_is_said_with_one_that_can(train):
    done = train("--iterations", 3, "--batch-size", 3)
    assert done.returncode != 0
    assert "a batch of 3 cannot be split evenly over 2 processes" in done.stderr
    assert "--batch-size 4" in done.stderr
