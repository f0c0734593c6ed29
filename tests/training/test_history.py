"""`history.jsonl`: writing, reading, truncating, and damage by killed processes."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shim import Call, Report

from imgxlate.errors import CheckpointError, OutputError
from imgxlate.training.history import Entry, History, count, read


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "history.jsonl"


def entry(step, **losses):
    return Entry(step, losses or {"gen_total": step / 3}, 0.25)


def write(path, *steps):
    with History(path) as history:
        for step in steps:
            history.append(entry(step))


def steps(path):
    return [entry.step for entry in read(path)]


def test_entries_are_read_back_as_they_were_appended(path):
    written = [Entry(step, {"gen_total": step / 3, "dis_a": 1e-30}, 0.25, datetime.now(UTC)) for step in (1, 2)]
    with History(path) as history:
        for one in written:
            history.append(one)
    found = list(read(path))
    assert [(e.step, e.losses, e.seconds) for e in found] == [(e.step, e.losses, e.seconds) for e in written]
    assert all(abs((a.time - b.time).total_seconds()) < 0.001 for a, b in zip(found, written, strict=True))


def test_the_time_is_in_utc(path):
    write(path, 1)
    time = datetime.fromisoformat(json.loads(path.read_text())["time"])
    assert time.utcoffset().total_seconds() == 0
    assert abs((datetime.now(UTC) - time).total_seconds()) < 60


def test_opening_at_a_step_removes_later_lines(path):
    write(path, 1, 2, 3, 4)
    with History(path, step=2) as history:
        assert steps(path) == [1, 2]
        history.append(entry(3))
    assert steps(path) == [1, 2, 3]


def test_an_open_history_can_be_truncated(path):
    with History(path) as history:
        for step in (1, 2, 3):
            history.append(entry(step))
        history.truncate(1)
        history.append(entry(2))
        assert steps(path) == [1, 2]
        history.truncate(0)
    assert path.read_bytes() == b""


@given(cut=st.integers(min_value=0, max_value=400), step=st.integers(min_value=0, max_value=5))
def test_a_file_cut_off_anywhere_is_read_and_continued(tmp_path_factory, cut, step):
    path = tmp_path_factory.mktemp("run") / "history.jsonl"
    write(path, 1, 2, 3)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    whole = content.count(b"\n")
    assert steps(path) == list(range(1, whole + 1))
    with History(path, step) as history:
        history.append(entry(9))
    assert steps(path) == [*range(1, min(whole, step) + 1), 9]
    assert path.read_bytes().count(b"\n") == len(steps(path))


@pytest.mark.parametrize("damage", [b"\0" * 50, b"[]", b"{}", b'{"step": 2, "losses": 1}', b"\xff", b"nonsense", b""])
def test_damaged_lines_are_skipped_and_the_lines_after_them_are_kept(path, damage):
    write(path, 1, 2)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damage + b"\n" + second + damage + b"\n")
    assert steps(path) == [1, 2]
    with History(path, step=2):
        assert path.read_bytes() == first + damage + b"\n" + second


def test_killing_the_process_loses_no_line(path):
    code = f"""
from pathlib import Path
from imgxlate.training.history import Entry, History
history = History(Path({str(path)!r}))
for step in range(1, 6):
    history.append(Entry(step, {{"gen_total": 1.0}}, 0.1))
print("ready", flush=True)
import time
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert steps(path) == [1, 2, 3, 4, 5]


def test_a_full_disk_is_an_output_error_and_the_history_can_be_continued(path, full_disk):
    with History(path) as history:
        history.append(entry(1))
        with full_disk(path.stat().st_size + 10), pytest.raises(OutputError, match=r"history.jsonl: cannot be written"):
            history.append(entry(2))
        history.truncate(1)
        history.append(entry(2))
    assert steps(path) == [1, 2]


def test_a_history_that_cannot_be_opened_is_an_output_error(path):
    path.mkdir(parents=True)
    with pytest.raises(OutputError, match=r"history.jsonl: cannot be written"):
        History(path)


def test_curves_of_a_history_that_cannot_be_read_are_an_error_that_names_it(path):
    path.mkdir(parents=True)
    for action in (lambda: count(path), lambda: list(read(path))):
        with pytest.raises(CheckpointError, match=r"history.jsonl: cannot be read: Is a directory"):
            action()


def test_a_history_that_cannot_be_read_is_an_output_error(path):
    write(path, 1)
    history = History(path, step=1)
    path.unlink()
    with history, pytest.raises(OutputError, match=r"history.jsonl: cannot be written"):
        history.truncate(0)


def test_every_fourth_line_can_be_read(path):
    write(path, *range(1, 11))
    assert [entry.step for entry in read(path, every=4)] == [1, 5, 9]


def test_count_is_the_number_of_lines_and_0_without_a_file(path):
    assert count(path) == 0
    write(path, *range(1, 8))
    assert count(path) == 7


def test_a_signal_while_lines_are_removed_is_survived(path, shim):
    if shim is None:
        pytest.skip("needs Linux and a C compiler named cc")
    write(path, 1, 2)
    code = f"""
import ctypes, errno, os
from pathlib import Path
from imgxlate.training.history import History
fail = ctypes.CDLL(None).shim_fail
fail({os.fsencode(path.parent)!r}, {os.fsencode(path.with_name("report"))!r}, {Call.WRITE:d}, 1, errno.EINTR, 0)
History(Path({str(path)!r}), step=1)
"""
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"LD_PRELOAD": str(shim)}, check=True, timeout=120)
    assert Report.read(path.with_name("report")).failed == 1
    assert steps(path) == [1]
