"""Whole files or none, also when the process is killed or the disk is full."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imgxlate import atomic
from imgxlate.errors import OutputError


def test_writes_the_file_and_its_folders(tmp_path):
    atomic.write_bytes(tmp_path / "a" / "b" / "file", b"data")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"data"


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail_halfway():
        with atomic.writer(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        atomic.write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_folder_that_cannot_be_created_is_an_output_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        atomic.write_bytes(tmp_path / "file" / "below", b"data")


def test_a_folder_with_the_files_name_is_an_output_error_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        atomic.write_bytes(tmp_path / "taken", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_target_of_a_link_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("there", "dangling"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "elsewhere" / "there").write_bytes(b"old")
    for name in ("there", "dangling"):
        atomic.write_bytes(tmp_path / name, b"data")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "elsewhere" / name).read_bytes() == b"data"
    assert len(list(tmp_path.rglob("*"))) == 5


def test_circular_links_are_an_output_error(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError, match="symbolic links"):
        atomic.write_bytes(tmp_path / "a", b"data")


def test_a_pipe_or_a_device_is_refused_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "null").symlink_to("/dev/null")
    for path in (pipe, tmp_path / "null"):
        with pytest.raises(OutputError, match="a pipe or a device"):
            atomic.write_bytes(path, b"data")
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["\u753b" * 80 + ".png", "x" * 255])
def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path, name):
    atomic.write_bytes(tmp_path / name, b"data")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_is_an_output_error_before_anything_is_written(tmp_path):
    with pytest.raises(OutputError, match="name too long"), atomic.writer(tmp_path / ("x" * 256)):
        raise AssertionError("the block was entered")


def test_a_platform_that_cannot_open_folders_still_writes(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    atomic.write_bytes(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"


def test_the_folder_is_flushed_after_the_rename(tmp_path, monkeypatch):
    flushed, flush = [], os.fsync

    def note(descriptor):
        flushed.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), (tmp_path / "file").exists()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    atomic.write_bytes(tmp_path / "file", b"data")
    assert flushed == [(False, False), (True, True)]


def test_the_parents_of_new_folders_are_flushed(tmp_path, monkeypatch):
    flushed, flush = [], os.fsync

    def note(descriptor):
        flushed.append(os.fstat(descriptor).st_ino)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    atomic.write_bytes(tmp_path / "a" / "b" / "file", b"data")
    assert {path.stat().st_ino for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")} <= set(flushed)


def test_a_temporary_file_that_cannot_be_removed_does_not_hide_the_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "unlink", refuse)
    atomic.write_bytes(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"
    with pytest.raises(ValueError, match="the reason"), atomic.writer(tmp_path / "file"):
        raise ValueError("the reason")


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "Free some space"), (errno.EACCES, "permissions"), (errno.EIO, "the disk")]
)
def test_an_error_says_what_to_do(tmp_path, monkeypatch, number, advice):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=os.strerror(number)) as raised:
        atomic.write_bytes(tmp_path / "file", b"data")
    assert advice in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_output_error_and_keeps_the_old_file(tmp_path):
    code = f"""
import resource, signal
from pathlib import Path
from imgxlate import atomic
from imgxlate.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # A write past the limit then fails as on a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    atomic.write_bytes(Path({str(tmp_path / "file")!r}), bytes(5000))
except OutputError as error:
    print(error)
"""
    (tmp_path / "file").write_bytes(b"old")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in result.stdout
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.05])
def test_kill_9_while_writing_never_shows_half_a_file(tmp_path, delay):
    code = f"""
from pathlib import Path
from imgxlate import atomic
print("ready", flush=True)
while True:
    for digit in b"01":
        atomic.write_bytes(Path({str(tmp_path / "file")!r}), bytes([digit]) * 5_000_000)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    wait_for(tmp_path / "file")
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    content = (tmp_path / "file").read_bytes()
    assert len(content) == 5_000_000
    assert len(set(content)) == 1


def wait_for(path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.01)
    raise TimeoutError(path)


def test_a_folder_appears_whole_after_the_block(tmp_path):
    with atomic.folder_writer(tmp_path / "deep" / "out") as folder:
        (folder / "a").write_text("a")
        assert not (tmp_path / "deep" / "out").exists()
    assert (tmp_path / "deep" / "out" / "a").read_text() == "a"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_all_files_of_a_folder_are_flushed_before_it_appears(tmp_path, monkeypatch):
    flushed, flush = [], os.fsync

    def note(descriptor):
        flushed.append((os.fstat(descriptor).st_ino, (tmp_path / "out").exists()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with atomic.folder_writer(tmp_path / "out") as folder:
        (folder / "deep").mkdir()
        for name in ("a", "deep/b"):
            (folder / name).write_text(name)
    written = ("", "a", "deep", "deep/b")
    assert {((tmp_path / "out" / name).stat().st_ino, False) for name in written} < set(flushed)
    assert flushed[-1] == (tmp_path.stat().st_ino, True)


def test_a_folder_whose_files_cannot_be_flushed_does_not_appear(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="No space left"), atomic.folder_writer(tmp_path / "out") as folder:
        (folder / "a").write_text("a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_block_that_ends_early_leaves_no_folder(tmp_path, error):
    def interrupted():
        with atomic.folder_writer(tmp_path / "out") as folder:
            (folder / "a").write_text("a")
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_not_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").touch()
    with pytest.raises(OutputError, match="out: exists"), atomic.folder_writer(tmp_path / "out"):
        pass
    assert (tmp_path / "out" / "kept").exists()


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    with atomic.folder_writer(tmp_path / "out") as folder:
        (folder / "a").touch()
    assert (tmp_path / "out" / "a").exists()


def test_the_current_folder_is_filled_if_it_is_empty(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with atomic.folder_writer(Path()) as folder:
        (folder / "a").touch()
    assert (tmp_path / "out" / "a").exists()


def test_an_empty_folder_behind_a_link_is_filled(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with atomic.folder_writer(tmp_path / "link") as folder:
        (folder / "a").touch()
    assert (tmp_path / "real" / "a").exists()
    assert (tmp_path / "link").is_symlink()


DESCRIBED = """
import os, signal, sys
from pathlib import Path
from imgxlate import atomic
replace, left = Path.replace, int(sys.argv[1])
def replaced(self, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = replaced
with atomic.described_writer(Path("image"), Path("image.json"), b"new") as file:
    file.write(b"new")
"""


@pytest.mark.parametrize(("renames", "left"), [(0, {"image": "old"}), (1, {"image": "new"}), (2, None)])
def test_a_kill_never_leaves_the_description_of_another_file(tmp_path, renames, left):
    for name in ("image", "image.json"):
        (tmp_path / name).write_text("old")
    process = subprocess.run([sys.executable, "-c", DESCRIBED, str(renames)], cwd=tmp_path, timeout=60, check=False)
    found = {path.name: path.read_text() for path in tmp_path.iterdir() if path.suffix != ".part"}
    assert (process.returncode == 0, found) == (left is None, left or {"image": "new", "image.json": "new"})


def test_a_failure_keeps_the_old_file_and_its_description(tmp_path):
    for name in ("image", "image.json"):
        (tmp_path / name).write_text("old")

    def fail_halfway():
        with atomic.described_writer(tmp_path / "image", tmp_path / "image.json", b"new") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_halfway()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"image": "old", "image.json": "old"}
