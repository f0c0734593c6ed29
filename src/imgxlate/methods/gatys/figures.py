"""The figures of the paper (Gatys et al., arXiv 1508.06576) and the images that they consist of. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from imgxlate.errors import UsageError
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.spec import FigurePart, FigurePlan, FigureSpec

_SETTINGS: dict[str, Any] = {
    "size": 256,  # pixels; a figure has many images
    "iterations": 200,
    "init": "noise",
    # Layers weigh about the same, however large their features are, so that a ratio means the same for any layers and
    # image sizes. Otherwise one row of a sweep would show no content and another no style.
    "normalised": True,
    "content_error": "mean",
    "style_error": "mean",
    "gram_scaling": "positions",
    "style_layer_weighting": "average",
    # Without knowledge of the curvature, a step of L-BFGS is as long as the gradient: losses must not be tiny.
    "content_weight": 1e8,
    "style_weight": 1e8,
    "range_weight": 1e5,
}


def _content_settings(preset: GatysConfig) -> GatysConfig:
    """The preset for a figure; content is reconstructed from the layers that the preset takes the style from."""
    return replace(preset, content_layers=preset.style_layers, **_SETTINGS)


def _style_settings(preset: GatysConfig) -> GatysConfig:
    return replace(preset, **_SETTINGS)


def _reconstruct_content(config: GatysConfig, ratios: Sequence[float]) -> FigurePlan:
    """Figure 1, below: the content that each layer alone preserves."""
    del ratios
    _require_one_image(config)
    layers = _layers(config, "content_layers", "content_weight")
    parts = tuple(
        _part(layer, (layer,), None, replace(config, content_layers=(layer,), style_weight=0.0)) for layer in layers
    )
    return FigurePlan((parts,), layers)


def _reconstruct_style(config: GatysConfig, ratios: Sequence[float]) -> FigurePlan:
    """Figure 1, above: the style that growing sets of layers represent."""
    del ratios
    _require_one_image(config)
    sets = _growing(_layers(config, "style_layers", "style_weight"))
    parts = tuple(
        _part(label, layers, None, replace(_with_style_layers(config, layers), content_weight=0.0))
        for label, layers in sets.items()
    )
    return FigurePlan((parts,), tuple(sets))


def _sweep(config: GatysConfig, ratios: Sequence[float]) -> FigurePlan:
    """Figure 3: growing sets of style layers by ratios of content weight to style weight."""
    if not ratios or not all(0 < ratio < float("inf") for ratio in ratios):
        raise UsageError("the ratios of a sweep must be above 0", hint="For example: `--sweep-ratios 1e-4,1e-3,1e-2`.")
    sets = _growing(_layers(config, "style_layers", "style_weight"))
    rows = tuple(tuple(_swept(config, label, sets[label], ratio) for ratio in ratios) for label in sets)
    return FigurePlan(rows, tuple(f"ratio {_power_of_ten(ratio)}" for ratio in ratios), tuple(sets))


FIGURES = {
    "reconstruct-content": FigureSpec(
        title="content from each layer alone",
        style="none",
        preset="paper",
        start=_content_settings,
        plan=_reconstruct_content,
    ),
    "reconstruct-style": FigureSpec(
        title="style from more and more layers",
        style="input",
        preset="paper",
        start=_style_settings,
        plan=_reconstruct_style,
        sets=frozenset({"content_weight"}),
    ),
    "sweep": FigureSpec(
        title="style layers by content / style ratio",
        style="given",
        preset="paper",
        start=_style_settings,
        plan=_sweep,
        ratios=(1e-5, 1e-4, 1e-3, 1e-2),  # as in the paper
        sets=frozenset({"content_weight"}),
    ),
}


def _swept(config: GatysConfig, label: str, layers: tuple[str, ...], ratio: float) -> FigurePart:
    # The ratio alpha / beta of Eq. 7.
    weighted = replace(_with_style_layers(config, layers), content_weight=ratio * config.style_weight)
    return _part(f"{label}, ratio {_power_of_ten(ratio)}", layers, ratio, weighted)


def _part(label: str, layers: tuple[str, ...], ratio: float | None, config: GatysConfig) -> FigurePart:
    return FigurePart(label, {"layers": layers, "ratio": ratio}, config)


def _layers(config: GatysConfig, key: str, weight: str) -> tuple[str, ...]:
    layers: tuple[str, ...] = getattr(config, key)
    if not layers:
        raise UsageError(f"{key} is empty: there is nothing to show", hint=f"Type `--{_flag(key)} relu1_1,relu2_1`.")
    if not getattr(config, weight):
        raise UsageError(f"{weight} is 0: there is nothing to show", hint=f"Leave out --{_flag(weight)}.")
    return layers


def _require_one_image(config: GatysConfig) -> None:
    if config.style_weights:
        raise UsageError(
            "style_weights is for several style images, but a reconstruction has one",
            hint="Leave out --style-weights.",
        )


def _flag(key: str) -> str:
    return key.replace("_", "-")


def _growing(layers: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The first layer, the first two and so on, each labeled by the layer that it adds."""
    return {layer if count == 1 else f"+ {layer}": tuple(layers[:count]) for count, layer in enumerate(layers, start=1)}


def _with_style_layers(config: GatysConfig, layers: tuple[str, ...]) -> GatysConfig:
    """The configuration with the first of its style layers, and their factors."""
    return replace(config, style_layers=layers, style_layer_factors=config.style_layer_factors[: len(layers)])


def _power_of_ten(number: float) -> str:
    """`number` as figures show it: 1e-5, 2.5e-3."""
    mantissa, exponent = f"{number:.5e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"
