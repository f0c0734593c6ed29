"""The progress of a training run: a panel on a terminal, or a plain line every ten seconds in a log."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imgxlate.cli.output import Output
from imgxlate.cli.progress import LogClock, is_live

if TYPE_CHECKING:
    from imgxlate.training.evaluations import Evaluation
    from imgxlate.training.trainer import StepResult

_REDRAW_SECONDS = 0.1  # the shortest time between two drawings of the panel
_MEMORY = 0.98  # decay of the running means, per step
_LOSS_WIDTH = 30  # columns that a loss with its name takes in the panel


class RunningMean:
    """An exponentially weighted mean. While there are few values, it is nearly their plain mean."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._weight = 0.0

    def add(self, value: float) -> None:
        """Add a value."""
        self._sum = _MEMORY * self._sum + value
        self._weight = _MEMORY * self._weight + 1

    @property
    def value(self) -> float:
        """The mean of the values; 0 without any."""
        return self._sum / self._weight if self._weight else 0.0


class TrainingView:
    """Shows the state of a run: steps, speed, time left, and its smoothed losses."""

    def __init__(self, output: Output, title: str, images: int, sample: Path) -> None:
        self._output = output
        self._title = title
        self._images = 2 * images  # in a step, of both domains
        self._sample = sample  # the file of the newest sample; may not exist yet
        self._saved: Path | None = None
        self._seconds, self._waited = RunningMean(), RunningMean()
        self._losses: dict[str, RunningMean] = {}
        self._evaluation: Evaluation | None = None  # the latest one
        self._best: Evaluation | None = None
        self._progress: StepResult | None = None
        self._live: Live | None = None
        self._waiting = "starting"  # shown until the first step is done
        self._drawn = 0.0
        self._clock = LogClock()
        self._last_logged = 0  # step

    def update(self, progress: "StepResult") -> None:
        """Add a step, and show it if an update is due."""
        first = self._progress is None
        self._progress = progress
        self._saved = progress.saved or self._saved
        self._seconds.add(progress.seconds)
        self._waited.add(progress.waited)
        for name, value in progress.losses.items():
            self._losses.setdefault(name, RunningMean()).add(value)
        if self._live:
            self._redraw(self._live)
        elif self._clock.due() or first or progress.step >= progress.iterations:
            self._log(progress)

    def show_evaluation(self, evaluation: "Evaluation") -> None:
        """Show the numbers of an evaluation; in a log, at once."""
        self._evaluation = evaluation
        if evaluation.is_best:
            self._best = evaluation
        if self._live:
            self._live.refresh()
        else:
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in evaluation.quality.items())
            self._output.note(f"evaluation after step {evaluation.step}: {numbers}; {self._rank()}")

    def show_download(self, done: int, total: int | None) -> None:
        """Show how many bytes of the feature network are downloaded."""
        whole = f" of {total / 1e6:.1f}" if total else ""
        self._waiting = f"downloading the feature network, {done / 1e6:.1f}{whole} MB"
        if self._live:
            self._redraw(self._live)
        elif self._clock.due():
            self._output.note(f"{self._title}: {self._waiting}")

    @contextmanager
    def shown(self) -> Iterator["TrainingView"]:
        """Show the run within the block. However the block ends, the last state stays and the terminal is restored.

        `update` draws the panel. A thread that draws it would be copied into the processes that load images.
        """
        try:
            with self._drawn_in_place():
                yield self
        finally:
            if not self._live and self._progress and self._progress.step != self._last_logged:
                self._log(self._progress)
            self._live = None

    @contextmanager
    def _drawn_in_place(self) -> Iterator[None]:
        if not is_live(self._output):
            yield
            return
        self._live = Live(
            console=self._output.console,
            get_renderable=self._panel,
            auto_refresh=False,
            redirect_stdout=False,  # Stdout is for data, even on a terminal.
            redirect_stderr=False,
        )
        with self._live:
            self._output.console.show_cursor(True)  # A process that is killed could not restore it.
            self._live.refresh()
            try:
                yield
            finally:
                self._live.transient = self._progress is None  # After an early error, only the error stays.

    def _redraw(self, live: Live) -> None:
        if time.monotonic() - self._drawn >= _REDRAW_SECONDS:
            live.refresh()
            self._drawn = time.monotonic()

    def _log(self, progress: "StepResult") -> None:
        self._last_logged = progress.step
        losses = ", ".join(f"{name} {value:.4g}" for name, value in self._shown_in_log().items())
        self._output.note(f"step {progress.step} of {progress.iterations}: {losses}; {self._pace(progress)}")

    def _shown_in_log(self) -> dict[str, float]:
        """The total losses, to keep the line short; all losses if the method has no totals."""
        totals = {name: mean.value for name, mean in self._losses.items() if name.endswith("total")}
        return totals or {name: mean.value for name, mean in self._losses.items() if not _is_gradient(name)}

    def _panel(self) -> RenderableType:
        if self._progress is None:
            return Text(f"{self._title}: {self._waiting}")
        progress = self._progress
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(self._title, style="bold"),
            ProgressBar(total=progress.iterations, completed=progress.step, width=30),
            f"step {progress.step} of {progress.iterations}",
        )
        losses = {name: mean.value for name, mean in self._losses.items()}
        return Group(head, Text(self._pace(progress)), self._table(losses), *self._quality(), *self._files())

    def _quality(self) -> list[RenderableType]:
        """The latest evaluation."""
        if self._evaluation is None:
            return []
        return [
            Text(f"evaluation after step {self._evaluation.step}: {self._rank()}"),
            self._table(self._evaluation.quality),
        ]

    def _rank(self) -> str:
        """How the latest evaluation compares with the best one."""
        if self._evaluation is None or self._evaluation.is_best:
            return "the best so far"
        return f"no improvement over {f'step {self._best.step}' if self._best else 'an earlier one'}"

    def _table(self, numbers: Mapping[str, float]) -> Table:
        pairs = max(1, self._output.console.width // _LOSS_WIDTH)
        table = Table.grid(padding=(0, 2))
        for _ in range(pairs):
            table.add_column(no_wrap=True)
            table.add_column(justify="right", min_width=8)
        cells = [cell for name, value in numbers.items() for cell in _cells(name, value)]
        for start in range(0, len(cells), 2 * pairs):
            table.add_row(*cells[start : start + 2 * pairs])
        return table

    def _files(self) -> list[Text]:
        files: Mapping[str, Path | None] = {"checkpoint": self._saved, "sample": self._sample}
        return [Text(f"{name:10}  {path}", style="dim") for name, path in files.items() if path and path.exists()]

    def _pace(self, progress: "StepResult") -> str:
        seconds = self._seconds.value
        speed = f"{seconds:.3g} s/step" if seconds >= 1 else f"{1 / max(seconds, 1e-9):.3g} steps/s"
        images = f"{self._images / max(seconds, 1e-9):.3g} images/s"
        waiting = f"{self._waited.value / max(seconds, 1e-9):.0%} waiting for data"
        return (
            f"{speed}, {images}, {waiting}, {duration_in_units(seconds * (progress.iterations - progress.step))} left"
        )


def duration_in_units(seconds: float) -> str:
    """A time in the two largest units that it needs: "3 d 4 h", "2 h 5 min", "40 s"."""
    left = round(seconds)
    units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    parts = []
    for unit, length in units.items():
        count, left = divmod(left, length)
        parts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count or unit == "s")


def _cells(name: str, value: float) -> tuple[Text, Text]:
    style = "dim" if _is_gradient(name) else ""
    return Text(name, style=style), Text(f"{value:.4g}", style=style)


def _is_gradient(name: str) -> bool:
    return name.startswith("grad_")
