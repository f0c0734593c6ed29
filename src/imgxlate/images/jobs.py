"""Processing many images. One bad file does not stop the others."""

import concurrent.futures
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from imgxlate.callbacks import ignore
from imgxlate.errors import BatchError, FormatError, ImgxlateError, OutputError, UsageError, known_error
from imgxlate.images.outputs import Job

Input = TypeVar("Input")
Output = TypeVar("Output")
OnProgress = Callable[[int, Job], None]  # called with the number of finished jobs and the current job
OnFailure = Callable[[ImgxlateError], None]


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job], None],
    *,
    inputs: int,  # number of inputs that the caller was given
    on_progress: OnProgress = ignore,
    on_failure: OnFailure = ignore,
) -> list[str]:
    """Do `work` on each job. Returns a line for each job that failed.

    An error is raised at once if there is only one input, or if every job would fail in the same way: if an output
    cannot be written, or an option is invalid. An image that its format cannot hold is a failure of its job only.
    """
    failures = _Failures(inputs, on_failure)
    for done, job in enumerate(jobs):
        on_progress(done, job)
        with failures.of(job):
            work(job)
        on_progress(done + 1, job)
    return failures.lines(jobs)


def stream_jobs(
    jobs: Sequence[Job],
    read: Callable[[Job], Input],
    compute: Callable[[Job, Input], Iterable[Output]],
    write: Callable[[Output], None],
    *,
    inputs: int,
    on_progress: OnProgress = ignore,
    on_failure: OnFailure = ignore,
) -> list[str]:
    """`run_jobs` for work in three parts that overlap: one thread reads the next input, one writes the last output.

    Memory holds at most one input and two outputs more than the computation needs. Outputs are written in their order.
    An output that is being written when the work ends early, also by Ctrl-C, is completed.
    """
    failures = _Failures(inputs, on_failure)
    reads = _read_ahead(jobs, read)
    written: list[tuple[Job, Future[None]]] = []  # the last output

    def wait_for_last() -> None:
        while written:
            job, future = written.pop()
            with failures.of(job):
                future.result()

    with ThreadPoolExecutor(1, "write") as writer:
        for done, job in enumerate(jobs):
            on_progress(done, job)
            with failures.of(job):
                for output in compute(job, next(reads).result()):
                    wait_for_last()
                    written.append((job, writer.submit(write, output)))
            on_progress(done + 1, job)
        wait_for_last()
    return failures.lines(jobs)


def require_no_failures(failures: Sequence[str], *, inputs: int, done: str | None = None) -> None:
    """Check that no job failed. `done` says what is done nevertheless; None: the other inputs, if there are any.

    Raises:
        BatchError: some jobs failed. The message lists them.
    """
    if failures:
        done = done or ("the others are done" if len(failures) < inputs else "none is done")
        listing = "".join(f"\n  {failure}" for failure in failures)
        raise BatchError(f"{len(failures)} of {inputs} inputs failed, {done}:{listing}")


class _Failures:
    """The first failure of each job. Only texts are kept: an error holds a traceback, which holds whole images."""

    def __init__(self, inputs: int, on_failure: OnFailure) -> None:
        self._inputs = inputs
        self._on_failure = on_failure
        self._texts: dict[Job, str] = {}

    @contextmanager
    def of(self, job: Job) -> Iterator[None]:
        """Keep an error of the block as the failure of `job`, or raise it, as `run_jobs` says."""
        try:
            yield
        except Exception as error:
            known = known_error(error)
            if known is None or self._inputs == 1 or _ends_all(known):
                raise
            if job not in self._texts:
                self._texts[job] = _naming(job, known)
                self._on_failure(ImgxlateError(self._texts[job], hint=known.hint))

    def lines(self, jobs: Sequence[Job]) -> list[str]:
        """The failures, in the order of the jobs."""
        return [self._texts[job] for job in jobs if job in self._texts]


def _read_ahead(jobs: Sequence[Job], read: Callable[[Job], Input]) -> Iterator[Future[Input]]:
    """Yield the input of each job, and read the next one in a thread until it is asked for.

    The first input and standard input are read in the main thread, where Ctrl-C ends the reading.
    """
    ahead: Future[Input] | None = None
    for index, job in enumerate(jobs):
        current = ahead or _result(read, job)
        concurrent.futures.wait([current])
        ahead = None
        if index + 1 < len(jobs) and jobs[index + 1].source.path is not None:
            ahead = _in_thread(read, jobs[index + 1])
        yield current


def _in_thread(read: Callable[[Job], Input], job: Job) -> Future[Input]:
    """The result of `read` in a daemon thread, so that the process can end while it waits for a pipe or a slow disk."""
    future: Future[Input] = Future()
    threading.Thread(target=_fulfill, args=(future, read, job), daemon=True).start()
    return future


def _result(read: Callable[[Job], Input], job: Job) -> Future[Input]:
    future: Future[Input] = Future()
    _fulfill(future, read, job)
    return future


def _fulfill(future: Future[Input], read: Callable[[Job], Input], job: Job) -> None:
    try:
        result = read(job)
    except BaseException as error:  # Whoever waits for the result must get it.
        future.set_exception(error)
    else:
        future.set_result(result)


def _ends_all(error: ImgxlateError) -> bool:
    """Whether every job would fail in this way."""
    return isinstance(error, OutputError | UsageError) and not isinstance(error, FormatError)


def _naming(job: Job, error: ImgxlateError) -> str:
    """The text of the error with the name of the input, which not every error contains."""
    name = job.source.name
    return str(error) if name in str(error) else f"{name}: {error}"
