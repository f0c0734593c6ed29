"""The figures of the paper on neural style (Gatys et al., arXiv 1508.06576): which pictures each consists of.

Imports no torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from imgxlate.config import flattened, overridden
from imgxlate.errors import UsageError
from imgxlate.methods.spec import MethodConfig

PRESET = "paper"  # what a study starts from where no preset is named
RATIOS = (1e-5, 1e-4, 1e-3, 1e-2)  # content weight to style weight, as in Figure 3

_CHANGES = {
    "size": 256,  # pixels: a study paints many pictures
    "iterations": 200,
    "init": "noise",
    # However large their features are, layers weigh about the same, so that a ratio means much the same for any layers
    # and at any size of picture. Else content drowns in one row of a sweep, and style in another.
    "normalised": True,
    "content_error": "mean",
    "style_error": "mean",
    "gram_scaling": "positions",
    "style_layer_weighting": "average",
    # A step of L-BFGS that knows no curvature is as long as the gradient: losses must not be tiny.
    "content_weight": 1e8,
    "style_weight": 1e8,
    "range_weight": 1e5,
}


class Figure(StrEnum):
    """A figure of the paper, by the name that its sheets carry."""

    CONTENT = "reconstruct-content"  # Figure 1, below: what each layer alone keeps of the content
    STYLE = "reconstruct-style"  # Figure 1, above: what growing sets of layers know of the style
    SWEEP = "sweep"  # Figure 3: growing sets of style layers by content / style ratios


@dataclass(frozen=True, slots=True)
class Part:
    """One picture of a study."""

    layers: tuple[str, ...]  # the layers that are studied in it
    ratio: float | None  # content weight to style weight, where that is studied
    label: str  # what sets it apart from the others
    config: MethodConfig


@dataclass(frozen=True, slots=True)
class Study:
    """What to paint, and in which rows and columns of a sheet it goes."""

    figure: Figure
    rows: tuple[tuple[Part, ...], ...]
    column_headers: tuple[str, ...]
    row_headers: tuple[str, ...] | None  # None: there is one row

    @property
    def parts(self) -> tuple[Part, ...]:
        """All pictures, row by row."""
        return tuple(part for row in self.rows for part in row)


def starting_point(figure: Figure, preset: MethodConfig) -> MethodConfig:
    """`preset` from white noise, with losses that can be compared, and no more work than suits many pictures.

    The content is reconstructed from each of the layers that the preset takes the style from.
    """
    layers = {"content_layers": flattened(preset)["style_layers"]} if figure is Figure.CONTENT else {}
    return overridden(preset, _CHANGES | layers)


def plan_study(figure: Figure, config: MethodConfig, ratios: Sequence[float] = RATIOS) -> Study:
    """The pictures of `figure`, each as `config` has it but for what is studied.

    Raises:
        UsageError: there are no layers or no ratios to study, they weigh nothing, or a ratio is not above 0.
    """
    if figure is Figure.CONTENT:
        return _content_reconstructions(config)
    if figure is Figure.STYLE:
        return _style_reconstructions(config)
    return _sweep(config, ratios)


def _content_reconstructions(config: MethodConfig) -> Study:
    layers = _layers(config, "content_layers", "content_weight")
    parts = tuple(
        Part((layer,), None, layer, overridden(config, {"content_layers": [layer], "style_weight": 0.0}))
        for layer in layers
    )
    return Study(Figure.CONTENT, (parts,), layers, None)


def _style_reconstructions(config: MethodConfig) -> Study:
    sets = _growing(_layers(config, "style_layers", "style_weight"))
    parts = tuple(
        Part(layers, None, label, overridden(config, _style_of(config, layers) | {"content_weight": 0.0}))
        for label, layers in sets.items()
    )
    return Study(Figure.STYLE, (parts,), tuple(sets), None)


def _sweep(config: MethodConfig, ratios: Sequence[float]) -> Study:
    if not ratios or not all(0 < ratio < float("inf") for ratio in ratios):
        raise UsageError("the ratios of a sweep must be above 0", hint="Such as `--sweep-ratios 1e-4,1e-3,1e-2`.")
    sets = _growing(_layers(config, "style_layers", "style_weight"))
    rows = tuple(tuple(_swept(config, label, sets[label], ratio) for ratio in ratios) for label in sets)
    return Study(Figure.SWEEP, rows, tuple(f"ratio {_power_of_ten(ratio)}" for ratio in ratios), tuple(sets))


def _swept(config: MethodConfig, label: str, layers: Sequence[str], ratio: float) -> Part:
    # The ratio alpha / beta of Eq. 7.
    weights = {"content_weight": ratio * flattened(config)["style_weight"]}
    changed = overridden(config, _style_of(config, layers) | weights)
    return Part(tuple(layers), ratio, f"{label}, ratio {_power_of_ten(ratio)}", changed)


def _layers(config: MethodConfig, key: str, weight: str) -> tuple[str, ...]:
    values = flattened(config)
    layers: tuple[str, ...] = tuple(values[key])
    if not layers:
        raise UsageError(f"{key} is empty: there is nothing to study")
    if not values[weight]:
        raise UsageError(f"{weight} is 0: there is nothing to study")
    return layers


def _growing(layers: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The first layer, the first two and so on, each by what it has more than the one before."""
    return {layer if count == 1 else f"+ {layer}": tuple(layers[:count]) for count, layer in enumerate(layers, start=1)}


def _style_of(config: MethodConfig, layers: Sequence[str]) -> dict[str, Any]:
    """The first layers of the style, with the factors that `config` gives them."""
    factors = flattened(config)["style_layer_factors"]
    return {"style_layers": layers, "style_layer_factors": factors[: len(layers)]}


def _power_of_ten(number: float) -> str:
    """`number` as figures show it: 1e-5, 2.5e-3."""
    mantissa, exponent = f"{number:.5e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"
