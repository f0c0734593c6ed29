"""`history.jsonl`: what is appended is read again, whatever ends the process."""

import json
import math
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.errors import OutputError
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


def test_what_is_appended_is_read_again(path):
    written = [Entry(step, {"gen_total": step / 3, "dis_a": 1e-30}, 0.25, datetime.now(UTC)) for step in (1, 2)]
    with History(path) as history:
        for one in written:
            history.append(one)
    found = list(read(path))
    assert [(e.step, e.losses, e.seconds) for e in found] == [(e.step, e.losses, e.seconds) for e in written]
    assert all(abs((a.time - b.time).total_seconds()) < 0.001 for a, b in zip(found, written, strict=True))


def test_a_line_is_strict_json_whatever_the_losses_are(path):
    with History(path) as history:
        history.append(entry(1, a=math.nan, b=math.inf, c=-math.inf, d=0.5))

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(path.read_text(), parse_constant=refuse)
    assert document["losses"] == {"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 0.5}
    (found,) = read(path)
    assert math.isnan(found.losses["a"])
    assert (found.losses["b"], found.losses["c"]) == (math.inf, -math.inf)


def test_the_time_is_that_of_the_entry_in_utc(path):
    write(path, 1)
    time = datetime.fromisoformat(json.loads(path.read_text())["time"])
    assert time.utcoffset().total_seconds() == 0
    assert abs((datetime.now(UTC) - time).total_seconds()) < 60


def test_going_on_from_a_step_drops_what_came_after_it(path):
    write(path, 1, 2, 3, 4)
    with History(path, step=2) as history:
        assert steps(path) == [1, 2]
        history.append(entry(3))
    assert steps(path) == [1, 2, 3]


def test_a_history_can_be_taken_back_while_it_is_written(path):
    with History(path) as history:
        for step in (1, 2, 3):
            history.append(entry(step))
        history.truncate(1)
        history.append(entry(2))
        assert steps(path) == [1, 2]
        history.truncate(0)
    assert path.read_bytes() == b""


@given(cut=st.integers(min_value=0, max_value=400), step=st.integers(min_value=0, max_value=5))
def test_wherever_a_file_was_cut_off_what_is_whole_is_read_and_gone_on_from(tmp_path_factory, cut, step):
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
def test_lines_that_cannot_be_read_are_left_out_and_those_behind_them_are_kept(path, damage):
    write(path, 1, 2)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damage + b"\n" + second + damage + b"\n")
    assert steps(path) == [1, 2]
    with History(path, step=2):
        assert path.read_bytes() == first + damage + b"\n" + second


def test_no_line_that_was_appended_is_lost_when_the_process_is_killed(path):
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


def test_a_full_disk_is_an_output_error_and_what_was_whole_can_be_gone_on_from(path, full_disk):
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


def test_a_history_whose_lines_cannot_be_read_is_an_output_error(path):
    write(path, 1)
    history = History(path, step=1)
    path.unlink()
    with history, pytest.raises(OutputError, match=r"history.jsonl: cannot be written"):
        history.truncate(0)


def test_every_so_many_lines_can_be_read_alone(path):
    write(path, *range(1, 11))
    assert [entry.step for entry in read(path, every=4)] == [1, 5, 9]


def test_the_lines_are_counted_and_none_are_where_there_is_no_file(path):
    assert count(path) == 0
    write(path, *range(1, 8))
    assert count(path) == 7
