import os
import platform
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from imgxlate.downloads import partials
from imgxlate.downloads.partials import Source, claim

SOURCE = Source("http://127.0.0.1/a", '"tag"', 10)
NO_PROCESS = 2**22 + 1  # above the largest number that Linux gives to a process


def leave(parent, data, *, pid=NO_PROCESS, host=None, token="1", idle=0.0):
    """A leftover as a process of that number on that host leaves it."""
    folder = parent / f"{pid}@{host or platform.node()}@{token}"
    folder.mkdir(parents=True)
    partial = partials.Partial(folder)
    partial.start(SOURCE)
    partial.file.write_bytes(data)
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - idle,) * 2)
    return folder


def test_the_partial_file_of_a_dead_process_is_taken_over(tmp_path):
    leave(tmp_path, b"12345")
    with claim(tmp_path) as partial:
        assert partial.file.read_bytes() == b"12345"
        assert partial.source == SOURCE
        assert len(list(tmp_path.iterdir())) == 1


def test_the_largest_partial_file_is_taken_over_and_the_others_are_removed(tmp_path):
    for token, data in enumerate((b"1", b"123", b"12")):
        leave(tmp_path, data, token=token)
    with claim(tmp_path) as partial:
        assert partial.file.read_bytes() == b"123"
        assert len(list(tmp_path.iterdir())) == 1


def test_the_partial_file_of_a_running_process_is_left_alone(tmp_path):
    with claim(tmp_path) as first, claim(tmp_path) as second:
        first.start(SOURCE)
        assert first.folder != second.folder
        assert second.size == 0


def test_another_users_process_counts_as_running(tmp_path, monkeypatch):
    def forbid(*_):  # What anyone but root is told of the first process.
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbid)
    leave(tmp_path, b"1", pid=1)
    with claim(tmp_path) as partial:
        assert partial.size == 0


def test_another_hosts_process_counts_as_running_until_it_is_silent_for_long(tmp_path):
    folder = leave(tmp_path, b"123", host="elsewhere")
    assert partials.owner(tmp_path) == f"process {NO_PROCESS} on elsewhere"
    with claim(tmp_path) as partial:
        assert partial.size == 0
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - partials.SILENT_SECONDS - 1,) * 2)
    assert partials.owner(tmp_path) is None
    with claim(tmp_path) as partial:
        assert partial.size == 3


def test_after_an_error_the_same_process_continues_the_partial_file(tmp_path):
    def interrupted():
        with claim(tmp_path) as partial:
            partial.start(SOURCE)
            partial.file.write_bytes(b"12")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with claim(tmp_path) as partial:
        assert partial.file.read_bytes() == b"12"


def test_an_empty_partial_file_is_removed(tmp_path):
    with claim(tmp_path) as partial:
        partial.start(SOURCE)
    assert list(tmp_path.iterdir()) == []


def test_starting_again_leaves_the_old_file_to_whoever_still_writes_it(tmp_path):
    with claim(tmp_path) as partial:
        partial.start(SOURCE)
        with partial.file.open("r+b") as old:
            partial.start(SOURCE)
            old.write(b"late")
        assert partial.size == 0


def test_partial_files_older_than_a_week_are_removed(tmp_path):
    old = leave(tmp_path / "toy", b"1", token="1", idle=partials.STALE_SECONDS + 60)
    young = leave(tmp_path / "toy", b"1", token="2", idle=partials.STALE_SECONDS - 60)
    partials.prune(tmp_path)
    assert not old.exists()
    assert young.exists()


def test_only_one_of_many_simultaneous_claims_gets_a_partial_file(tmp_path):
    leave(tmp_path, b"123")
    together = threading.Barrier(8)

    def size_of_claim(_):
        together.wait()
        with claim(tmp_path) as partial:
            size = partial.size
            together.wait()
            return size

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(size_of_claim, range(8))) == [0] * 7 + [3]
