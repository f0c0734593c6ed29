"""`losses.png`: the curve of every loss over the steps, and `quality.png`: that of every number of the evaluations."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgxlate import atomic
from imgxlate.training import history
from imgxlate.training.evaluations import Evaluation, best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_POINTS = 10_000  # of a curve; of a longer history, evenly spaced lines are read
_SMOOTH_POINTS = 200  # of a smoothed curve
_WINDOW = 1 / 25  # width of the window of the sliding median, as a part of the curve
_FEW_POINTS = 30  # up to which points are marked; a line through two or three is hard to see

_COLUMNS = 4
_PANEL_SIZE = 3.6, 2.5  # inches
_DPI = 100
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9")  # distinct to color-blind people
_LOG_RANGE = 30.0  # ratio of maximum to median above which the axis is logarithmic


@dataclass(frozen=True, slots=True)
class Curve:
    """The values of a loss, and their steps."""

    steps: np.ndarray
    values: np.ndarray

    def smoothed(self) -> "Curve":
        """The sliding median. Windows are cut off at the ends of the curve."""
        half = int(len(self.values) * _WINDOW / 2)
        centers = np.unique(np.linspace(0, len(self.values) - 1, _SMOOTH_POINTS).round().astype(int))
        medians = [np.median(self.values[max(0, center - half) : center + half + 1]) for center in centers]
        return Curve(self.steps[centers], np.array(medians))


def write(path: Path, source: Path) -> None:
    """Draw the history in the file `source` to `path`. Without losses, no image is written.

    Raises:
        OutputError: the image cannot be written.
        CheckpointError: the history cannot be read.
    """
    curves = read_curves(source)
    if curves:
        _save(path, draw(curves))


def write_quality(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Draw the numbers of evaluations to `path`, with a line at the best one.

    Raises:
        OutputError: the image cannot be written.
    """
    chosen = best(evaluations)
    _save(path, draw(quality_curves(evaluations), mark=chosen.step if chosen else None))


def read_curves(source: Path) -> dict[str, Curve]:
    """The losses of a history by name, in the order of their first appearance. Long histories are thinned evenly."""
    every = -(-history.count(source) // _MAX_POINTS)
    points: dict[str, tuple[list[int], list[float]]] = {}
    for entry in history.read(source, every) if every else ():
        for name, value in entry.losses.items():
            steps, values = points.setdefault(name, ([], []))
            steps.append(entry.step)
            values.append(value)
    return {name: Curve(np.array(steps), np.array(values)) for name, (steps, values) in points.items()}


def quality_curves(evaluations: Sequence[Evaluation]) -> dict[str, Curve]:
    """The numbers of evaluations by name, in the order of their first appearance."""
    curves = {}
    for name in dict.fromkeys(name for one in evaluations for name in one.quality):
        points = [(one.step, one.quality[name]) for one in evaluations if name in one.quality]
        curves[name] = Curve(*map(np.array, zip(*points, strict=True)))
    return curves


def panels(names: Sequence[str]) -> dict[str, list[str]]:
    """Group losses into panels. Names that differ only in the domain (`x_a`, `D_A`, `cyc_aba`) share one."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        rest = [word for word in name.split("_") if not re.fullmatch("[abAB]+", word)]
        grouped.setdefault("_".join(rest) or name, []).append(name)
    return grouped


def draw(curves: Mapping[str, Curve], mark: int | None = None) -> "Figure":
    """Draw a panel for each group of losses: the raw values faint, the smoothed curve strong, a line at step `mark`."""
    from matplotlib.figure import Figure  # Imported late: the import takes a second.

    grouped = panels(list(curves))
    columns = min(_COLUMNS, len(grouped))
    rows = -(-len(grouped) // columns)
    figure = Figure(figsize=(columns * _PANEL_SIZE[0], rows * _PANEL_SIZE[1]), layout="constrained")
    cells = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (title, names) in zip(cells, grouped.items(), strict=False):
        _draw_panel(axes, title, {name: curves[name] for name in names})
        if mark is not None:
            axes.axvline(mark, color="black", alpha=0.5, linewidth=0.8, linestyle=":", zorder=1)
    for axes in cells[len(grouped) :]:
        axes.remove()
    figure.supxlabel("step", fontsize=10)
    return figure


def _save(path: Path, figure: "Figure") -> None:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=_DPI, metadata={"Software": None})
    atomic.write_bytes(path, png.getvalue())


def _draw_panel(axes: "Axes", title: str, curves: Mapping[str, Curve]) -> None:
    for color, (name, curve) in zip(_COLORS * len(curves), curves.items(), strict=False):
        marker = "." if len(curve.steps) <= _FEW_POINTS else ""
        smooth = curve.smoothed()
        axes.plot(curve.steps, curve.values, color=color, alpha=0.25, linewidth=0.6, zorder=2)
        axes.plot(smooth.steps, smooth.values, color=color, linewidth=1.6, marker=marker, label=name, zorder=3)
    axes.set_title(title, fontsize=10, parse_math=False)
    if len(curves) > 1:
        axes.legend(fontsize=7, frameon=False)
    _format_axes(axes, np.concatenate([curve.values for curve in curves.values()]))


def _format_axes(axes: "Axes", values: np.ndarray) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    if values.min() > 0 and values.max() > _LOG_RANGE * np.median(values):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
