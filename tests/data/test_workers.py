import itertools
import multiprocessing
import operator
import os
import resource
import signal
from functools import partial
from multiprocessing import resource_tracker

import pytest

from imgxlate.data.workers import computed_ahead, work
from imgxlate.errors import DeviceError

TENFOLD = partial(operator.mul, 10)
LONG = partial(operator.mul, b"x" * 100_000)  # Larger than the buffer of a pipe.


def pids():
    return [process.pid for process in multiprocessing.active_children()]


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("first", [0, 5])
def test_results_come_in_order_from_any_start(workers, first):
    with computed_ahead(TENFOLD, first, workers) as results:
        assert list(itertools.islice(results, 8)) == [10 * step for step in range(first, first + 8)]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_exception_is_raised_in_place_of_the_result(workers):
    with computed_ahead(partial(operator.floordiv, 12), -3, workers) as results:
        assert list(itertools.islice(results, 3)) == [-4, -6, -12]
        with pytest.raises(ZeroDivisionError) as error:
            next(results)
    assert workers == 0 or "step 0" in error.value.__notes__[0]


@pytest.mark.parametrize("compute", [TENFOLD, LONG])
def test_no_worker_outlives_the_context(compute):
    with computed_ahead(compute, 1, 2) as results:
        next(results)
        assert len(pids()) == 2
    assert pids() == []


def test_no_worker_outlives_an_error():
    with pytest.raises(KeyError), computed_ahead(TENFOLD, 1, 2):
        raise KeyError
    assert pids() == []


@pytest.mark.parametrize("compute", [TENFOLD, LONG])
def test_a_killed_worker_is_an_error_with_a_hint(compute):
    with computed_ahead(compute, 1, 2) as results:
        next(results)
        os.kill(pids()[0], signal.SIGKILL)
        with pytest.raises(DeviceError, match="ended unexpectedly \\(signal 9: Killed\\)") as error:
            for _ in results:
                pass
    assert "--set data.workers=1" in error.value.hint


def test_a_worker_that_does_not_end_by_itself_is_killed(monkeypatch):
    monkeypatch.setattr("imgxlate.data.workers._PATIENCE", 0.01)
    with computed_ahead(partial(pow, 3), 10_000_000, 1):  # Takes minutes.
        pass
    assert pids() == []


def test_a_worker_that_exits_is_an_error_with_its_exit_code():
    with (
        computed_ahead(os._exit, 3, 1) as results,
        pytest.raises(DeviceError, match=r"ended unexpectedly \(exit code 3\)"),
    ):
        next(results)


@pytest.mark.parametrize("tracked", [True, False])
def test_a_worker_that_cannot_be_started_is_an_error_with_a_hint(monkeypatch, tracked):
    resource_tracker.ensure_running()
    if not tracked:  # The first worker of a process also needs Python's resource tracker.
        monkeypatch.setattr(resource_tracker._resource_tracker, "_fd", None)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(DeviceError, match="could not be started") as error, computed_ahead(TENFOLD, 0, 1):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "or 0 to load" in error.value.hint


def test_a_worker_ends_when_nobody_reads_its_results():
    reader, writer = multiprocessing.Pipe(duplex=False)
    reader.close()
    with writer:
        work(TENFOLD, 0, 1, writer)


def test_a_worker_ends_with_an_error_that_names_the_step():
    reader, writer = multiprocessing.Pipe(duplex=False)
    with reader, writer:
        work(partial(operator.floordiv, 6), -2, 1, writer)
        assert [reader.recv(), reader.recv()] == [-3, -6]
        error = reader.recv()
    assert isinstance(error, ZeroDivisionError)
    assert "In the process that prepared step 0:\nTraceback" in error.__notes__[0]


def test_signals_come_through_again_when_the_processes_run():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("SIGTERM"))
    try:
        with computed_ahead(TENFOLD, 0, 1) as results:
            signal.raise_signal(signal.SIGTERM)
            assert next(results) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == ["SIGTERM"]


class Interrupting:
    """A computation that raises SIGINT while it is sent to a worker."""

    def __call__(self, step):
        raise NotImplementedError

    def __reduce__(self):
        signal.raise_signal(signal.SIGINT)
        return TENFOLD.__reduce__()


def test_no_worker_outlives_a_signal_at_the_start():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), computed_ahead(Interrupting(), 0, 2):
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert pids() == []
