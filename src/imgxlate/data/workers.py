"""Worker processes that compute what each step needs ahead of time. Neither this module nor they import torch.

Each worker has a pipe of its own, computes every n-th step, and waits until its result is read from the pipe. No queue,
lock or shared memory can be left behind or fill up. A worker ends by itself when its reader is closed or killed, and
the reader notices when a worker is killed.

torch's `DataLoader` is no substitute. Its workers import torch, so each takes seconds to start instead of 0.3 s, and
230 MB instead of 42 MB. When the main process was killed, a worker with a large unread result was still there a minute
later.
"""

import contextlib
import itertools
import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import ModuleType
from typing import Generic, TypeVar

from imgxlate.errors import DeviceError, ImgxlateError

Result = TypeVar("Result")

_PATIENCE = 5.0  # seconds for a worker to end before it is killed
_STOPS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


@contextlib.contextmanager
def computed_ahead(compute: Callable[[int], Result], first: int, workers: int) -> Iterator[Iterator[Result]]:
    """The endless results of `compute(first)`, `compute(first + 1)`, ..., computed in `workers` processes.

    The results come in this order for any number of workers. Without workers, each is computed when it is needed. An
    exception of `compute` is raised in place of its result. When the context ends, all workers have ended.

    Raises:
        ImgxlateError: a worker cannot be started, or ended unexpectedly.
    """
    if workers == 0:
        yield map(compute, itertools.count(first))
        return
    with contextlib.ExitStack() as stack:
        started: list[_Worker[Result]] = []
        with _blocked_signals():
            for index in range(workers):
                started.append(_start(compute, first + index, workers))
                stack.callback(started[-1].stop)
        yield (worker.result() for worker in itertools.cycle(started))


@dataclass(frozen=True, slots=True)
class _Worker(Generic[Result]):
    process: SpawnProcess
    results: "Connection[None, Result | Exception]"

    def result(self) -> Result:
        """Wait for the next result.

        Raises:
            Exception: the computation raised it.
            ImgxlateError: the worker has ended.
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
        """End the worker. It ends by itself when its pipe is closed; if it is stuck, it is killed."""
        self.results.close()
        self.process.join(_PATIENCE)
        self.process.kill()
        self.process.join()
        self.process.close()


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    """Processes that start within this context ignore Ctrl-C and the like, which terminals send to all processes.

    The main process alone decides when to stop.

    Raises:
        ImgxlateError: the system refuses to start another process.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    try:
        resource_tracker.ensure_running()  # Otherwise Python starts it with the first worker, and unblocks the signals.
    except OSError as error:
        raise _not_started(error) from error
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main_module() -> Iterator[None]:
    """Processes that start within this context do not import the main module.

    A script that trains at its top level, without `if __name__ == "__main__"`, would train again in each worker.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start(compute: Callable[[int], Result], first: int, stride: int) -> _Worker[Result]:
    """Start a worker that computes the steps `first`, `first + stride`, ...

    It is a fresh interpreter: a fork of a process with threads, as torch has, can hang, and would keep its files open.

    Raises:
        ImgxlateError: the system refuses to start another process.
    """
    spawning = multiprocessing.get_context("spawn")
    try:
        reader, writer = spawning.Pipe(duplex=False)
        process = spawning.Process(target=work, args=(compute, first, stride, writer), name="imgxlate data")
        with writer, _without_main_module():
            process.start()
    except OSError as error:
        raise _not_started(error) from error
    return _Worker(process, reader)


def work(compute: Callable[[int], Result], first: int, stride: int, results: "Connection[object, None]") -> None:
    """Send the results of `first`, `first + stride`, ... until nobody reads them, or a computation fails."""
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


def _not_started(error: OSError) -> ImgxlateError:
    return _lost(f"could not be started ({error.strerror or error})")


def _lost(event: str) -> ImgxlateError:
    return DeviceError(
        f"a process that loads training images {event}",
        hint="Memory may have run out. Use fewer processes, such as `--set data.workers=1`, or 0 to load the images in "
        "the training process.",
    )


def _end(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}: {signal.strsignal(-exit_code)}"
    return f"exit code {exit_code}"
