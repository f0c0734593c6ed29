"""Going through a batch: reading inputs, one failure never stopping the rest, and the list of failures at the end."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from imgxlate.cli.errors import as_known
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.engine.batch import STDIO, Job, Source
from imgxlate.errors import BatchError, ImgxlateError

if TYPE_CHECKING:
    from pathlib import Path

    from imgxlate.images.picture import Picture


def read_picture(source: Source) -> "Picture":
    """Decode a source, standard input included.

    Raises:
        ImageError: it cannot be read.
    """
    from imgxlate.images.decode import DEFAULT, decode

    if source.path is None:
        return decode(sys.stdin.buffer.read(DEFAULT.file_bytes + 1), name=STDIO)
    return decode(source.path)


def write_picture(output: Output, picture: "Picture", path: "Path | None") -> None:
    """Encode a picture in the format that the path's suffix names; PNG on standard output, where it is None.

    Raises:
        OutputError: it cannot be written.
    """
    from imgxlate.images.encode import encode, save

    if path is None:
        output.picture(encode(picture, ".png"))
    else:
        save(picture, path)


Failure = tuple[Job, ImgxlateError]


def run_jobs(
    output: Output, jobs: Sequence[Job], work: Callable[[Job], None], *, of: int, bar: Bar | None = None
) -> list[Failure]:
    """Do `work` on each job, showing on `bar` how many are done, and return those that failed.

    Where the command was given one input only (`of` counts them), its error is raised instead.
    """
    failures: list[Failure] = []
    for done, job in enumerate(jobs):
        if bar:
            bar.update(done, text=job.source.name)
        try:
            work(job)
        except Exception as error:
            known = as_known(error)
            if known is None or of == 1:
                raise
            failures.append((job, known))
            output.error(known)
    return failures


def report(failures: Sequence[Failure], *, of: int) -> None:
    """Say which of the `of` inputs failed.

    Raises:
        BatchError: some did.
    """
    if failures:
        listing = "".join(f"\n  {error}" for _, error in failures)
        raise BatchError(f"{len(failures)} of {of} inputs failed, the others are done:{listing}")
