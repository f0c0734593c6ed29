"""Several processes that want the same file: killed, waiting, and without working locks."""

import re
import threading
import time
from pathlib import Path

import pytest

LOST_PER_KILL = 1 << 16  # bytes: what is read is written in pieces of this size


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def received(store):
    return sum(path.stat().st_size for path in store.root.glob("partial/toy/*/data"))


def resumed_at(server):
    """The byte at which the last request began."""
    return int(server.seen[-1][1].removeprefix("bytes=").rstrip("-"))


def leftovers(store):
    return list(store.root.glob("partial/*/*"))


@pytest.fixture
def resume():
    """Lets a paused server go on, at the latest when the test ends."""
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_killed_download_is_resumed_by_the_next_process(server, store, body, fetching, resume, quarters):
    had = len(body) * quarters // 4
    url = server.offer("/a", body, fault="paused", pause_at=had, resume=resume.wait)
    victim = fetching(url)
    wait_for(lambda: received(store) > had - LOST_PER_KILL)
    victim.kill()
    victim.wait()
    server.offer("/a", body)
    path, error = fetching(url).communicate()
    assert Path(path.strip()).read_bytes() == body, error
    assert resumed_at(server) > had - LOST_PER_KILL
    assert leftovers(store) == []


def test_a_download_killed_several_times_keeps_all_it_received(server, store, body, fetching, resume):
    for had in (500_000, 1_000_000, 1_500_000):
        start = received(store)
        url = server.offer("/a", body, fault="paused", pause_at=had - start, resume=resume.wait)
        victim = fetching(url)
        wait_for(lambda had=had: received(store) > had - LOST_PER_KILL)
        victim.kill()
        victim.wait()
        assert len(leftovers(store)) == 1
    server.offer("/a", body)
    path, error = fetching(url).communicate()
    assert Path(path.strip()).read_bytes() == body, error
    assert resumed_at(server) > 1_500_000 - LOST_PER_KILL


def test_eight_processes_that_start_together_download_once(server, store, body, fetching):
    url = server.offer("/a", body)
    processes = [fetching(url) for _ in range(8)]
    paths = {process.communicate()[0].strip() for process in processes}
    assert len(paths) == 1
    assert Path(paths.pop()).read_bytes() == body
    assert len(server.seen) == 1


def test_a_waiting_process_names_the_other_and_continues_after_its_death(server, store, body, fetching, resume):
    url = server.offer("/a", body, fault="paused", pause_at=len(body) // 2, resume=resume.wait)
    holder = fetching(url)
    wait_for(lambda: received(store) > len(body) // 2 - LOST_PER_KILL)
    waiting = fetching(url)
    line = waiting.stderr.readline()
    assert re.search(rf"waiting for process {holder.pid} on \S+, which is downloading it", line)
    server.offer("/a", body)
    holder.kill()  # ... and nobody asks after it: it stays a zombie.
    path, error = waiting.communicate()
    assert Path(path.strip()).read_bytes() == body, error
    assert resumed_at(server) > len(body) // 2 - LOST_PER_KILL
    assert leftovers(store) == []


def test_without_working_locks_every_process_gets_the_whole_file(server, store, body, fetching):
    together = threading.Barrier(4)
    url = server.offer("/a", body, fault="paused", pause_at=len(body) // 2, resume=lambda: together.wait(60))
    processes = [fetching(url, "--no-locks") for _ in range(4)]
    paths = {process.communicate()[0].strip() for process in processes}
    assert len(paths) == 1
    assert Path(paths.pop()).read_bytes() == body
    assert len(server.seen) == 4
    assert leftovers(store) == []
    assert [found.fault for found in store.verify(["toy"])] == [None]


def test_a_process_that_waited_too_long_downloads_as_well(server, store, make_card, body, fetching, resume):
    url = server.offer("/a", body, fault="paused", pause_at=1000, resume=resume.wait)
    fetching(url)
    wait_for(lambda: server.seen)
    server.offer("/a", body)
    impatient = type(store)(store.root, type(store.patience)(lock=0.1))
    notes = []
    assert impatient.path(make_card(url), notify=notes.append).read_bytes() == body
    assert "waiting for" in notes[0]
    assert len(server.seen) == 2
