"""Progress: a bar on a terminal, or a plain line every ten seconds in a log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from imgxlate.cli.output import Output
from imgxlate.images.outputs import Job

if TYPE_CHECKING:
    from imgxlate.inference.large import BandProgress, OnBand
    from imgxlate.inference.model import Model

_FIRST_ESTIMATE = 3.0  # seconds of work, before the time is estimated
_LARGE = 4e6  # pixels; a larger image that is computed as a whole may take a lot of memory

LOG_SECONDS = 10.0  # the shortest time between two lines in a log


def is_live(output: Output) -> bool:
    """Whether progress is drawn in place on a terminal, instead of by lines in a log."""
    return output.verbosity >= 0 and output.console.is_terminal


class LogClock:
    """Knows when the next line in a log is due."""

    def __init__(self) -> None:
        self._last_line = time.monotonic()

    def due(self) -> bool:
        """Whether `LOG_SECONDS` have passed since the last line. If so, it starts to count again."""
        if time.monotonic() - self._last_line < LOG_SECONDS:
            return False
        self._last_line = time.monotonic()
        return True


class Bar:
    """The progress of one task: `done` of `total` steps, and a text about the current one."""

    def __init__(self, output: Output, title: str, total: float | None, unit: str) -> None:
        self._output = output
        self._title = title
        self._unit = unit
        self._total = total
        self._clock = LogClock()
        self._progress: Progress | None = None
        self._job = (0, "")  # number of jobs done, and the input of the current one

    def update(self, done: float, total: float | None = None, text: str = "") -> None:
        """Show that `done` steps are done. `total` is given once it is known."""
        self._total = total if total is not None else self._total
        if self._progress:
            self._progress.update(self._progress.task_ids[0], completed=done, total=self._total, text=text)
        elif self._clock.due():
            self._output.note(f"{self._title}: {self._amount(done)}{f', {text}' if text else ''}")

    def show_job(self, done: int, job: Job) -> None:
        """Show that `done` jobs of a batch are done, and the input of the current job."""
        self._job = done, job.source.name
        self.update(done, text=job.source.name)

    def show_part(self, part: float) -> None:
        """Show which part of the current job is done, from 0 to 1."""
        done, name = self._job
        self.update(done + part, text=f"{name}, {part:.0%}")

    @contextmanager
    def shown(self) -> Iterator["Bar"]:
        """Show the bar while the block runs, where stderr is a terminal and not quiet."""
        if not is_live(self._output):
            yield self
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(
            *columns,
            console=self._output.console,
            transient=True,
            redirect_stdout=False,  # Stdout is for data, even on a terminal.
            redirect_stderr=False,
        )
        with self._progress:
            self._progress.add_task(self._title, total=self._total, text="")
            yield self
        self._progress = None

    def _amount(self, done: float) -> str:
        whole = f" of {self._count(self._total)}" if self._total else ""
        return f"{self._count(done)}{whole}{'' if self._unit == 'bytes' else f' {self._unit}'}"

    def _count(self, number: float) -> str:
        return f"{number / 1e6:.1f} MB" if self._unit == "bytes" else f"{int(number)}"


class BandWatch:
    """Shows the progress of images that are translated in bands. Prints a line about each large image."""

    def __init__(self, output: Output, bar: Bar, model: "Model") -> None:
        self._output = output
        self._bar = bar
        self._model = model

    def begin(self, name: str, pixels: int) -> "OnBand":
        """Begin the image `name`. Returns the function to call after each of its bands."""
        if pixels > _LARGE and not self._model.has_bands:
            self._output.note(
                f"{name}: {pixels / 1e6:.0f} megapixels, computed as a whole, because {self._model.method} does not "
                "describe its stages; `--size` takes less memory"
            )
        started, is_said = time.monotonic(), False

        def show(progress: "BandProgress") -> None:
            nonlocal is_said
            self._bar.show_part(progress.done)
            seconds = time.monotonic() - started
            if not is_said and (seconds > _FIRST_ESTIMATE or progress.done == 1):
                is_said = True
                self._output.note(
                    f"{name}: {pixels / 1e6:.0f} megapixels, in {progress.bands} bands of rows to save memory, about "
                    f"{duration_in_words(seconds / progress.done)}"
                )

        return show


def duration_in_words(seconds: float) -> str:
    """A duration in words, roughly: "40 seconds", "3 minutes", "2 hours"."""
    for unit, name in ((3600, "hour"), (60, "minute")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:.0f} {name}s"
    count = max(round(seconds), 1)
    return f"{count} second{'s' if count > 1 else ''}"
