"""Ctrl-C, SIGTERM and kill -9 at any moment leave only complete files."""

import signal
import time

import pytest
from PIL import Image

INPUTS = 40


@pytest.fixture
def batch(launcher, golden, photo, tmp_path):
    """A running translation of many files that has written at least one output."""
    for index in range(INPUTS):
        photo(f"in/{index:02d}.png", seed=index, size=(96, 128))
    arguments = ("translate", "munit", tmp_path / "in", "-o", tmp_path / "out", "--n-styles", 4)
    model = ("--checkpoint", golden / "munit" / "gen_00000001.pt")
    process = launcher.start((*arguments, *model), tmp_path / "stderr.txt")
    while not list((tmp_path / "out").glob("*.png")):
        assert process.runs(), process.errors
        time.sleep(0.01)
    yield process
    if process.returncode is None:
        process.kill(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
@pytest.mark.parametrize("delay", [0.0, 0.07])
def test_a_stopped_batch_leaves_only_complete_files(batch, tmp_path, number, code, delay):
    time.sleep(delay)
    batch.kill(number)
    assert batch.wait(timeout=30) == code
    written = sorted(path for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
    assert 0 < len(written) < 4 * INPUTS
    for path in written:
        Image.open(path).load()
    if number is not signal.SIGKILL:
        assert len(written) == len(list((tmp_path / "out").iterdir()))  # No temporary file is left.
        assert "Traceback" not in batch.errors
