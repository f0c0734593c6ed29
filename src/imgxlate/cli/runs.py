"""Going through a batch: reading inputs, one failure never stopping the rest, and the list of failures at the end."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.errors import BatchError, ImageError, ImgxlateError, OutputError, UsageError, known_error
from imgxlate.images.inputs import STDIO, Source
from imgxlate.images.outputs import Job

if TYPE_CHECKING:
    from pathlib import Path

    from imgxlate.images.image_array import ImageArray


def read_picture(source: Source) -> "ImageArray":
    """Decode a source, standard input included.

    Raises:
        ImageError: it cannot be read.
    """
    from imgxlate.images.decode import DEFAULT, decode

    if source.path is None:
        if sys.stdin is None:
            raise ImageError(STDIO, "standard input is closed")
        return decode(sys.stdin.buffer.read(DEFAULT.file_bytes + 1), name=STDIO)
    return decode(source.path)


def write_picture(output: Output, picture: "ImageArray", path: "Path | None") -> None:
    """Encode a picture in the format that the path's suffix names; PNG on standard output, where it is None.

    Raises:
        OutputError: it cannot be written.
    """
    from imgxlate.images.encode import encode, save

    if path is None:
        output.picture(encode(picture, ".png"))
    else:
        save(picture, path)


def run_jobs(
    output: Output, jobs: Sequence[Job], work: Callable[[Job], None], *, of: int, bar: Bar | None = None
) -> list[str]:
    """Do `work` on each job, showing on `bar` how many are done, and return what went wrong with those that failed.

    An error is raised instead where the command was given one input only (`of` counts them), and where every other
    input would meet it too: an output that cannot be written, an option that cannot be.
    """
    failures: list[str] = []
    for done, job in enumerate(jobs, 1):
        if bar:
            bar.update(done - 1, text=job.source.name)
        try:
            work(job)
        except Exception as error:
            known = known_error(error)
            if known is None or of == 1 or isinstance(known, OutputError | UsageError):
                raise
            # Only the message is kept: the error itself would keep what its traceback holds, whole images among it.
            failures.append(_naming(job, known))
            output.error(ImgxlateError(failures[-1], hint=known.hint))
        if bar:
            bar.update(done)
    return failures


def _naming(job: Job, error: ImgxlateError) -> str:
    """What went wrong, with the input's name, which an error from deep inside does not know."""
    name = job.source.name
    return str(error) if name in str(error) else f"{name}: {error}"


def report(failures: Sequence[str], *, of: int) -> None:
    """Say which of the `of` inputs failed.

    Raises:
        BatchError: some did.
    """
    if failures:
        others = "the others are done" if len(failures) < of else "none is done"
        listing = "".join(f"\n  {failure}" for failure in failures)
        raise BatchError(f"{len(failures)} of {of} inputs failed, {others}:{listing}")
