"""`torchrun -m imgxlate train` from the command line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
def arguments(data, tmp_path):
    return ["train", "cyclegan", data, "--out", tmp_path / "run", "--preset", "tiny", "--batch-size", 2]


def test_only_the_main_process_prints_and_writes(unmeasured, torchrun, outputs, arguments, tmp_path):
    more = ["--workers", 1, "--iterations", 3, "--checkpoint-every", 2, "--json"]
    command = [*TORCHRUN, *map(str, arguments + more)]
    done = subprocess.run(command, capture_output=True, text=True, env=unmeasured, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step 3 of 3") == 1
    assert len(done.stdout.splitlines()) == 3  # Two checkpoints, and the model.
    assert checkpoint.read(tmp_path / "run" / "model.safetensors").header["step"] == 3

    outputs(torchrun(None, *arguments, "--workers", 1, "--iterations", 4, "--resume"))
    assert checkpoint.read(tmp_path / "run" / "model.safetensors").header["step"] == 4


def test_after_a_signal_no_process_ends_before_the_main_one_has_saved(unmeasured, heed_signals, arguments, tmp_path):
    # Large networks: saving must take longer than torchrun needs to notice that a process has ended.
    more = ["--workers", 0, "--set", "gen.ngf=96", "--set", "display_size=1", "--iterations", 1000]
    process = subprocess.Popen(
        [*TORCHRUN, *map(str, arguments + more)],
        stderr=subprocess.PIPE,
        text=True,
        env=unmeasured,
        preexec_fn=heed_signals,
    )
    history = tmp_path / "run" / "history.jsonl"
    while not (history.exists() and history.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    os.kill(main_process_of(process.pid), signal.SIGTERM)
    process.communicate(timeout=120)
    assert not list((tmp_path / "run").rglob(".*.part"))
    done = history.read_bytes().count(b"\n")
    assert checkpoint.read(tmp_path / "run" / f"checkpoints/step-{done:08d}.safetensors").header["step"] == done
    assert checkpoint.read(tmp_path / "run" / "model.safetensors").header["step"] == done


def main_process_of(pid):
    """The process of rank 0 among the children of torchrun."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next(int(child) for child in children if b"\0RANK=0\0" in Path(f"/proc/{child}/environ").read_bytes())


def test_an_uneven_batch_is_an_error_that_suggests_a_batch_size(torchrun, arguments):
    for process in torchrun(None, *arguments, "--iterations", 3, "--batch-size", 3):
        assert process.wait() == 2
        assert "a batch of 3 cannot be split evenly over 2 processes" in process.errors
        assert "--batch-size 4" in process.errors
