"""Computes what each step needs ahead of time, in processes of its own. Imports no torch, nor do the processes.

Each process has a pipe, computes every n-th step, and waits in the pipe until its result is taken: no queue, lock or
shared memory can be left behind or fill up. A process whose reader is gone, closed or killed, ends by itself, and one
that is killed is noticed by its reader.
"""

import contextlib
import itertools
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from imgxlate.errors import DeviceError, ImgxlateError

Result = TypeVar("Result")

_PATIENCE = 5.0  # seconds for a process to end before it is killed
_STOPS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


@contextlib.contextmanager
def computed_ahead(compute: Callable[[int], Result], first: int, workers: int) -> Iterator[Iterator[Result]]:
    """The endless results of `compute(first)`, `compute(first + 1)`, ..., computed in `workers` processes.

    They come in this order, whatever the number of processes; with 0 they are computed when they are asked for.
    What `compute` raises is raised where its result would have come. On leaving, the processes have ended.

    Raises:
        ImgxlateError: a process cannot be started or ended before its time.
    """
    if workers == 0:
        yield map(compute, itertools.count(first))
        return
    with contextlib.ExitStack() as stack:
        started: list[_Worker[Result]] = []
        with _out_of_reach_of_signals():
            for index in range(workers):
                started.append(_start(compute, first + index, workers))
                stack.callback(started[-1].stop)
        yield (worker.result() for worker in itertools.cycle(started))


@dataclass(frozen=True, slots=True)
class _Worker(Generic[Result]):
    process: SpawnProcess
    results: "Connection[None, Result | Exception]"

    def result(self) -> Result:
        """The next result, as soon as it is there.

        Raises:
            Exception: whatever the computation raised.
            ImgxlateError: the process has ended.
        """
        try:
            result = self.results.recv()
        except (EOFError, OSError) as error:
            self.process.join(_PATIENCE)
            raise _lost(f"ended unexpectedly ({_end(self.process.exitcode)})") from error
        if isinstance(result, Exception):
            raise result
        return result

    def stop(self) -> None:
        """End the process, which goes when it finds that nobody takes its results."""
        self.results.close()
        self.process.join(_PATIENCE)
        self.process.kill()
        self.process.join()
        self.process.close()


@contextlib.contextmanager
def _out_of_reach_of_signals() -> Iterator[None]:
    """Processes that start within never see Ctrl-C and the like, which often go to all: the main process decides."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # Python starts it with the first process otherwise, and lets signals through.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(compute: Callable[[int], Result], first: int, stride: int) -> _Worker[Result]:
    """Start a process that computes the steps `first`, `first + stride`, ...

    It is a fresh interpreter: a fork of a process with threads, as torch has, can hang, and would keep its files open.

    Raises:
        ImgxlateError: the system does not give another process.
    """
    spawning = multiprocessing.get_context("spawn")
    try:
        reader, writer = spawning.Pipe(duplex=False)
        process = spawning.Process(target=work, args=(compute, first, stride, writer), name="imgxlate data")
        with writer:
            process.start()
    except OSError as error:
        raise _lost(f"could not be started ({error.strerror or error})") from error
    return _Worker(process, reader)


def work(compute: Callable[[int], Result], first: int, stride: int, results: "Connection[object, None]") -> None:
    """Send the results of `first`, `first + stride`, ... until nobody takes them, or one could not be computed."""
    for step in itertools.count(first, stride):
        try:
            result: Result | Exception = compute(step)
        except Exception as error:
            error.add_note(f"In the process that prepared step {step}:\n{traceback.format_exc()}")
            result = error
        try:
            results.send(result)
        except OSError:  # The reader is gone.
            return
        if isinstance(result, Exception):
            return


def _lost(what: str) -> ImgxlateError:
    return DeviceError(
        f"a process that prepares training pictures {what}",
        hint="Memory may have run out. Use fewer of them, such as `--set data.workers=1`, or 0 for none.",
    )


def _end(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}: {signal.strsignal(-exit_code)}"
    return f"exit code {exit_code}"
