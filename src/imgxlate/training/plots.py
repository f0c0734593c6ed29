"""`losses.png`: every loss against the step."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgxlate import atomic
from imgxlate.training import history

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_POINTS = 10_000  # of a curve: lines of a longer history are left out, evenly
_SMOOTH_POINTS = 200  # of the smoothed curve
_WINDOW = 1 / 25  # of the curve: how much of it a smoothed point is the median of
_FEW = 30  # points that are marked, for a line between two or three is hardly seen

_COLUMNS = 4
_PANEL = 3.6, 2.5  # inches
_DPI = 100
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9")  # told apart by colour-blind people, too
_LOG_RANGE = 30.0  # the largest value is so many times the median: then the axis is logarithmic


@dataclass(frozen=True, slots=True)
class Curve:
    """The finite values of a loss, and the steps that it had them at."""

    steps: np.ndarray
    values: np.ndarray

    def smoothed(self) -> "Curve":
        """Medians over windows that slide along the curve, shorter at its ends."""
        half = int(len(self.values) * _WINDOW / 2)
        centres = np.unique(np.linspace(0, len(self.values) - 1, _SMOOTH_POINTS).round().astype(int))
        medians = [np.median(self.values[max(0, centre - half) : centre + half + 1]) for centre in centres]
        return Curve(self.steps[centres], np.array(medians))


def write(path: Path, source: Path) -> None:
    """Draw the history in the file `source` to `path`; nothing where it holds no losses.

    Raises:
        OutputError: the picture cannot be written.
    """
    curves = read_curves(source)
    if curves:
        png = io.BytesIO()
        draw(curves).savefig(png, format="png", dpi=_DPI, metadata={"Software": None})
        atomic.write_bytes(path, png.getvalue())


def read_curves(source: Path) -> dict[str, Curve]:
    """The losses of a history by name, in the order in which they first appear; of long ones evenly chosen steps."""
    every = -(-history.count(source) // _MOST_POINTS)
    points: dict[str, tuple[list[int], list[float]]] = {}
    for entry in history.read(source, every) if every else ():
        for name, value in entry.losses.items():
            if np.isfinite(value):
                steps, values = points.setdefault(name, ([], []))
                steps.append(entry.step)
                values.append(value)
    return {name: Curve(np.array(steps), np.array(values)) for name, (steps, values) in points.items()}


def panels(names: Sequence[str]) -> dict[str, list[str]]:
    """The losses by panel: those whose names differ in the domains only (`x_a`, `D_A`, `cyc_aba`) share one."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        rest = [word for word in name.split("_") if not re.fullmatch("[abAB]+", word)]
        grouped.setdefault("_".join(rest) or name, []).append(name)
    return grouped


def draw(curves: Mapping[str, Curve]) -> "Figure":
    """A panel for each loss, or for the two that it is of either domain: raw values faint, smoothed ones strong."""
    from matplotlib.figure import Figure  # Imported late: it takes a second, and only pictures need it.

    grouped = panels(list(curves))
    columns = min(_COLUMNS, len(grouped))
    rows = -(-len(grouped) // columns)
    figure = Figure(figsize=(columns * _PANEL[0], rows * _PANEL[1]), layout="constrained")
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (title, names) in zip(places, grouped.items(), strict=False):
        _draw_panel(axes, title, {name: curves[name] for name in names})
    for axes in places[len(grouped) :]:
        axes.remove()
    figure.supxlabel("step", fontsize=10)
    return figure


def _draw_panel(axes: "Axes", title: str, curves: Mapping[str, Curve]) -> None:
    for colour, (name, curve) in zip(_COLOURS * len(curves), curves.items(), strict=False):
        marker = "." if len(curve.steps) <= _FEW else ""
        smooth = curve.smoothed()
        axes.plot(curve.steps, curve.values, color=colour, alpha=0.25, linewidth=0.6, zorder=2)
        axes.plot(smooth.steps, smooth.values, color=colour, linewidth=1.6, marker=marker, label=name, zorder=3)
    axes.set_title(title, fontsize=10, parse_math=False)
    if len(curves) > 1:
        axes.legend(fontsize=7, frameon=False)
    _settle_axes(axes, np.concatenate([curve.values for curve in curves.values()]))


def _settle_axes(axes: "Axes", values: np.ndarray) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    if values.min() > 0 and values.max() > _LOG_RANGE * np.median(values):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
