"""Processing many images. One bad file does not stop the others."""

from collections.abc import Callable, Sequence

from imgxlate.callbacks import ignore
from imgxlate.errors import BatchError, ImgxlateError, OutputError, UsageError, known_error
from imgxlate.images.outputs import Job


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job], None],
    *,
    inputs: int,  # number of inputs that the caller was given
    on_progress: Callable[[int, Job], None] = ignore,  # called with the number of finished jobs and the current job
    on_failure: Callable[[ImgxlateError], None] = ignore,
) -> list[str]:
    """Do `work` on each job. Returns a line for each job that failed.

    An error is raised at once if there is only one input, or if every job would fail in the same way: if an output
    cannot be written, or an option is invalid.
    """
    failures: list[str] = []
    for done, job in enumerate(jobs):
        on_progress(done, job)
        try:
            work(job)
        except Exception as error:
            known = known_error(error)
            if known is None or inputs == 1 or isinstance(known, OutputError | UsageError):
                raise
            # Keep only the text: the error holds a traceback, which holds whole images.
            failures.append(_naming(job, known))
            on_failure(ImgxlateError(failures[-1], hint=known.hint))
        on_progress(done + 1, job)
    return failures


def require_no_failures(failures: Sequence[str], *, inputs: int, done: str | None = None) -> None:
    """Check that no job failed. `done` says what is done nevertheless; None: the other inputs, if there are any.

    Raises:
        BatchError: some jobs failed. The message lists them.
    """
    if failures:
        done = done or ("the others are done" if len(failures) < inputs else "none is done")
        listing = "".join(f"\n  {failure}" for failure in failures)
        raise BatchError(f"{len(failures)} of {inputs} inputs failed, {done}:{listing}")


def _naming(job: Job, error: ImgxlateError) -> str:
    """The text of the error with the name of the input, which not every error contains."""
    name = job.source.name
    return str(error) if name in str(error) else f"{name}: {error}"
