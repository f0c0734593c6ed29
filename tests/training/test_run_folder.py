"""The folder of a run: checkpoints, interrupted writes, and the lock."""

import errno
import os
import shutil
import signal
import subprocess
import sys

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, OutputError
from imgxlate.training.run_folder import RunFolder

HEADER = {"method": "munit"}


@pytest.fixture
def run_folder(tmp_path):
    """A run folder with checkpoints of some steps; each holds its step."""

    def make(*steps):
        folder = RunFolder(tmp_path / "run")
        for step in steps:
            folder.save(step, tensors(step), HEADER)
        return folder

    return make


def tensors(step, size=1000):
    return {"weights": torch.full((size,), float(step)), "step": torch.tensor(step)}


def listing(path):
    return sorted(entry.name for entry in path.iterdir())


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_missing_folder_has_no_checkpoints_and_is_not_created(tmp_path):
    folder = RunFolder(tmp_path / "none")
    folder.sweep()
    assert (folder.has_checkpoints(), folder.steps(), folder.latest()) == (False, (), None)
    assert not folder.path.exists()


def test_the_latest_checkpoint_is_the_one_of_the_highest_step(run_folder):
    folder = run_folder(9, 100_000_000, 10)
    assert folder.steps() == (9, 10, 100_000_000)
    latest = folder.latest()
    assert latest.path == folder.checkpoint_at(100_000_000)
    assert latest.header == HEADER | {"kind": "training", "step": 100_000_000}
    assert torch.equal(latest.tensors["weights"], tensors(100_000_000)["weights"])


def test_files_with_other_names_are_not_checkpoints(run_folder):
    folder = run_folder(1)
    for name in ("step-2.safetensors", "step-00000003.safetensors.bak", "step-0000000x.safetensors", "notes.txt"):
        (folder.checkpoints / name).write_text("")
    assert folder.steps() == (1,)


def test_damaged_checkpoints_are_skipped_and_reported_with_reasons(run_folder):
    folder, messages = run_folder(1, 2, 3, 4), []
    flip_a_bit(folder.checkpoint_at(4))
    folder.checkpoint_at(3).write_bytes(folder.checkpoint_at(3).read_bytes()[:-500])
    folder.checkpoint_at(2).write_bytes(b"")
    assert folder.latest(messages.append).header["step"] == 1
    assert ["checksum" in messages[0], "damaged" in messages[1], "empty" in messages[2]] == [True] * 3
    assert messages[0].startswith(f"skipped: {folder.checkpoint_at(4)}: ")


def test_if_all_checkpoints_are_damaged_the_run_does_not_start_again(run_folder):
    folder = run_folder(1, 2)
    for step in (1, 2):
        flip_a_bit(folder.checkpoint_at(step))
    with pytest.raises(CheckpointError, match="all checkpoints are damaged") as caught:
        folder.latest()
    assert "--overwrite" in caught.value.hint


def test_a_checkpoint_that_cannot_be_opened_is_not_skipped(run_folder):
    folder = run_folder(1)
    folder.checkpoint_at(2).mkdir()
    with pytest.raises(CheckpointError, match="cannot be read"):
        folder.latest()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_folder_of_checkpoints_that_cannot_be_read_is_not_taken_for_an_empty_one(run_folder, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    folder = run_folder(1)
    monkeypatch.setattr(os, "listdir", fail)
    monkeypatch.setattr(os, "scandir", fail)
    for action in (folder.steps, folder.latest, folder.clear, folder.require_free):
        with pytest.raises(CheckpointError, match=f"checkpoints: cannot be read: {os.strerror(number)}"):
            action()


def test_without_checkpoints_there_is_no_latest_one(run_folder):
    assert run_folder().latest() is None


@pytest.mark.parametrize(("keep", "left"), [(1, (4,)), (2, (3, 4)), (4, (1, 2, 3, 4)), (9, (1, 2, 3, 4)), (0, (4,))])
def test_pruning_keeps_the_newest_checkpoints(run_folder, keep, left):
    folder = run_folder(1, 2, 3, 4)
    folder.prune(keep, saved=4)
    assert folder.steps() == left


def test_pruning_keeps_the_checkpoint_just_written_beside_a_later_damaged_one(run_folder):
    folder = run_folder(1, 2, 4)
    flip_a_bit(folder.checkpoint_at(4))
    folder.save(3, tensors(3), HEADER)
    folder.prune(1, saved=3)
    assert folder.steps() == (3, 4)
    assert folder.latest().header["step"] == 3


def test_an_error_names_the_file_that_cannot_be_removed(run_folder):
    folder = run_folder(2)
    folder.checkpoint_at(1).mkdir()
    with pytest.raises(OutputError, match=r"step-00000001.safetensors: cannot be removed"):
        folder.prune(1, saved=2)


def test_a_full_disk_leaves_only_the_older_checkpoints(run_folder, full_disk):
    folder = run_folder(1, 2)
    with full_disk(5000), pytest.raises(OutputError, match="cannot be written"):
        folder.save(3, tensors(3, size=10_000), HEADER)
    assert listing(folder.checkpoints) == ["step-00000001.safetensors", "step-00000002.safetensors"]
    assert folder.latest().header["step"] == 2


def test_sweeping_removes_the_file_of_a_killed_write_and_keeps_other_files(run_folder):
    folder = run_folder(1)
    code = f"""
from pathlib import Path
from imgxlate import atomic
with atomic.writer(Path({str(folder.checkpoint_at(2))!r})) as file:
    file.write(b"half")
    file.flush()
    print("ready", flush=True)
    import time
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    (folder.path / "mine.part").write_text("")
    (folder.path / ".mine.part").write_text("")
    assert len(listing(folder.checkpoints)) == 2
    folder.sweep()
    assert listing(folder.checkpoints) == ["step-00000001.safetensors"]
    assert listing(folder.path) == [".mine.part", "checkpoints", "mine.part"]


def test_the_files_of_a_run_have_the_documented_names(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_config('name = "größe"\n')
    checkpoint.write(folder.model, tensors(1), HEADER)
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == 'name = "größe"\n'
    assert folder.sample_at(1000) == tmp_path / "samples" / "step-00001000.png"
    assert folder.latest_sample == tmp_path / "samples" / "latest.png"
    assert [path.relative_to(tmp_path).name for path in (folder.history, folder.losses, folder.model)] == [
        "history.jsonl",
        "losses.png",
        "model.safetensors",
    ]
    assert folder.tensorboard == tmp_path / "tensorboard"


def test_a_folder_with_a_run_is_not_free_but_one_with_other_files_is(run_folder, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    RunFolder(tmp_path).require_free()
    RunFolder(tmp_path / "none").require_free()
    with pytest.raises(OutputError, match="already holds a run") as caught:
        run_folder(1).require_free()
    assert "--resume" in caught.value.hint
    with pytest.raises(OutputError, match="is not a folder"), RunFolder(tmp_path / "notes.txt").claimed():
        pass


def test_a_folder_removed_during_a_run_does_not_hide_the_error_of_the_run(tmp_path):
    run = RunFolder(tmp_path / "run")
    with pytest.raises(OutputError, match="cannot be written"), run.claimed():
        _write_to_a_removed_folder(run.path)


def _write_to_a_removed_folder(folder):
    shutil.rmtree(folder)
    folder.write_text("in its place")
    RunFolder(folder).write_config("")


def test_clearing_removes_only_the_files_of_the_run(run_folder):
    folder = run_folder(1, 2)
    kept = [folder.path / "notes.txt", folder.checkpoints / "mine.safetensors"]
    files = [folder.history, folder.losses, folder.model, folder.latest_sample, folder.sample_at(1)]
    for path in [*files, *kept, folder.tensorboard / "events.out.tfevents.1"]:
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    folder.write_config("")
    folder.clear()
    assert sorted(path for path in folder.path.rglob("*") if path.is_file()) == sorted(kept)
    assert listing(folder.path) == ["checkpoints", "notes.txt"]
    folder.require_free()


CLAIM = """
import sys
from pathlib import Path
from imgxlate.training.run_folder import RunFolder

with RunFolder(Path(sys.argv[1])).claimed():
    print("claimed", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time_trains_in_a_folder_and_a_killed_one_frees_it(tmp_path):
    run = RunFolder(tmp_path / "run")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", CLAIM, run.path], text=True, **pipes) as process:
        assert process.stdout.readline() == "claimed\n"
        with pytest.raises(OutputError, match="another process is training in this folder"), run.claimed():
            pass
        process.kill()
        process.wait()
        with run.claimed():
            pass
