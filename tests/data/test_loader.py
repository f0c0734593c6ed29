import hashlib
import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate.data.config import DataConfig
from imgxlate.data.folders import find
from imgxlate.data.loader import open_batches
from imgxlate.errors import ImageError


@pytest.fixture
def folders(images):
    return find(images("x", 5), images("y", 3, seed=50))


@pytest.fixture
def flawed(images, add_unusable):
    """Folders with some unusable files."""
    x, y = images("x", 4), images("y", 2, seed=50)
    add_unusable(x)
    add_unusable(y)
    return find(x, y)


@pytest.fixture
def reading(folders, unmeasured, heed_signals):
    """Start a program that reads batches, in its own process group. Returns it and the first line that it prints."""
    arguments = [sys.executable, Path(__file__).with_name("reading.py"), folders.a.folder, folders.b.folder]
    started = []

    def start(workers):
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(
            [*arguments, str(workers)],
            env=unmeasured,
            preexec_fn=heed_signals,
            start_new_session=True,
            text=True,
            **streams,
        )
        started.append(process)
        return process, process.stdout.readline().split()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def config(workers=0, **options):
    return DataConfig(**{"new_size": 20, "crop_height": 16, "crop_width": 12, "workers": workers} | options)


def read(folders, count, data=None, **options):
    with open_batches(folders, data or config(), **{"seed": 0, "batch_size": 2} | options) as batches:
        return list(itertools.islice(batches, count))


def assert_same(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        assert torch.equal(batch.a, other.a)
        assert torch.equal(batch.b, other.b)
        assert (batch.files_a, batch.files_b) == (other.files_a, other.files_b)


def digest(batch):
    return hashlib.sha256(batch.a.numpy().tobytes() + batch.b.numpy().tobytes()).hexdigest()


def ask(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_batch_holds_images_of_both_domains_in_range(folders):
    (batch,) = read(folders, 1, batch_size=7)
    assert batch.a.shape == batch.b.shape == (7, 3, 16, 12)
    assert batch.a.dtype == torch.float32
    assert batch.a.is_contiguous(memory_format=torch.channels_last)
    assert -1 <= float(batch.a.min()) < -0.5 < 0.5 < float(batch.a.max()) <= 1
    assert {*batch.files_a} <= {*folders.train_a}
    assert {*batch.files_b} == {*folders.train_b}


def test_gray_levels_become_numbers_from_minus_one_to_one(tmp_path):
    levels = np.arange(0, 255, 17, dtype=np.uint8).reshape(3, 5)
    for name in "xy":
        (tmp_path / name).mkdir()
        Image.fromarray(levels).save(tmp_path / name / "a.png")
    exact = config(resize="none", crop_height=3, crop_width=5, flip=False)
    (batch,) = read(find(tmp_path / "x", tmp_path / "y"), 1, exact)
    expected = torch.from_numpy(levels).double() / 127.5 - 1
    torch.testing.assert_close(batch.a[0, 0].double(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("start", [0, 4])
def test_the_number_of_workers_changes_nothing(flawed, workers, start):
    alone = read(flawed, 7, start_step=start)
    helped = read(flawed, 7, config(workers), start_step=start)
    assert_same(alone, helped)
    assert [batch.rejected for batch in alone] == [batch.rejected for batch in helped]


def test_starting_in_the_middle_equals_going_there(flawed):
    assert_same(read(flawed, 9)[6:], read(flawed, 3, start_step=6))


def test_ranks_share_the_batch(folders):
    whole = read(folders, 3, batch_size=4)
    first, second = (read(folders, 3, batch_size=4, positions=positions) for positions in (range(2), range(2, 4)))
    for batch, one, other in zip(whole, first, second, strict=True):
        assert torch.equal(batch.a, torch.cat([one.a, other.a]))
        assert torch.equal(batch.b, torch.cat([one.b, other.b]))
        assert batch.files_a == one.files_a + other.files_a


def test_seeds_give_batches_of_their_own_and_torch_is_left_alone(folders):
    before = torch.get_rng_state()
    one, other = read(folders, 1, config(2)), read(folders, 1, config(2), seed=1)
    assert not torch.equal(one[0].a, other[0].a)
    assert torch.equal(torch.get_rng_state(), before)


def test_unusable_files_are_reported_once(flawed):
    batches = read(flawed, 40, config(2))
    rejected = [file.path for batch in batches for file in batch.rejected]
    useless = {"broken.jpg", "empty.png", "white.png"}
    assert len(rejected) == len(set(rejected)) == 6
    assert {path.name for path in rejected} == useless
    assert not useless & {path.name for batch in batches for path in batch.files_a + batch.files_b}


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unusable_folder_is_the_same_error_with_and_without_workers(folders, tmp_path, workers):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match="no image can be used") as error:
        read(find(folders.a.folder, tmp_path / "bad"), 1, config(workers))
    assert error.value.path == tmp_path / "bad"
    assert error.value.hint


def test_workers_are_gone_when_the_program_is_killed(reading):
    process, workers = reading(2)
    assert len(workers) == 2
    ask(process)
    process.kill()
    process.communicate(timeout=60)  # Its output ends when the last worker has ended, because they share it.


def test_workers_ignore_signals_that_are_sent_to_all_processes(reading, folders):
    process, _ = reading(2)
    batches = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # The workers still import at the first one.
        os.killpg(process.pid, number)
        assert process.stdout.readline() == "signal\n"
        batches += [ask(process) for _ in range(3)]
    assert batches == [digest(batch) for batch in read(folders, 9)]
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_images_can_be_pinned(folders):
    (batch,) = read(folders, 1, pin_memory=True)
    assert batch.a.is_pinned()
