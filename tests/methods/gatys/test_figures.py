"""Which images the figures of the paper consist of."""

import pytest

from imgxlate.config import overridden
from imgxlate.errors import UsageError
from imgxlate.methods.gatys import SPEC

PRESETS, FIGURES = SPEC.presets, SPEC.figures
CONTENT, STYLE, SWEEP = FIGURES
FIVE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


def planned(name, ratios=None, **changes):
    figure = FIGURES[name]
    start = overridden(figure.start(PRESETS[figure.preset]), changes)
    return figure.plan(start, figure.ratios if ratios is None else ratios)


def test_content_is_reconstructed_from_each_layer_alone():
    plan = planned(CONTENT)
    assert plan.column_headers == FIVE
    assert plan.row_headers is None
    assert [part.values["layers"] for part in plan.parts] == [(layer,) for layer in FIVE]
    assert [part.config.content_layers for part in plan.parts] == [(layer,) for layer in FIVE]
    assert {part.config.style_weight for part in plan.parts} == {0}
    assert min(part.config.content_weight for part in plan.parts) > 0


def test_content_is_reconstructed_from_the_given_layers():
    plan = planned(CONTENT, content_layers=["relu4_2", "conv1_2"])
    assert [part.config.content_layers for part in plan.parts] == [("relu4_2",), ("conv1_2",)]


def test_style_is_reconstructed_from_growing_sets_of_layers():
    plan = planned(STYLE)
    assert plan.column_headers == ("conv1_1", "+ conv2_1", "+ conv3_1", "+ conv4_1", "+ conv5_1")
    assert [part.config.style_layers for part in plan.parts] == [FIVE[:count] for count in range(1, 6)]
    assert {part.config.content_weight for part in plan.parts} == {0}
    assert min(part.config.style_weight for part in plan.parts) > 0


def test_a_sweep_has_a_row_for_each_set_of_layers_and_a_column_for_each_ratio():
    plan = planned(SWEEP)
    assert plan.row_headers == ("conv1_1", "+ conv2_1", "+ conv3_1", "+ conv4_1", "+ conv5_1")
    assert plan.column_headers == ("ratio 1e-5", "ratio 1e-4", "ratio 1e-3", "ratio 1e-2")
    for row, layers in zip(plan.rows, (FIVE[:count] for count in range(1, 6)), strict=True):
        assert [part.config.style_layers for part in row] == [layers] * 4
        ratios = [part.config.content_weight / part.config.style_weight for part in row]
        assert ratios == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2])
        assert [part.values["ratio"] for part in row] == pytest.approx(ratios)
    assert {part.config.content_layers for part in plan.parts} == {("conv4_2",)}
    assert plan.parts[11].label == "+ conv3_1, ratio 1e-2"


def test_the_ratio_is_relative_to_the_given_style_weight():
    (part,) = planned(SWEEP, [0.025], style_layers=["conv1_1"], style_weight=8.0).parts
    assert (part.config.content_weight, part.config.style_weight) == (0.2, 8.0)
    assert part.label == "conv1_1, ratio 2.5e-2"


@pytest.mark.parametrize("figure", [STYLE, SWEEP])
def test_layers_keep_their_factors(figure):
    changes = {"style_layers": ["conv1_1", "conv2_1"], "style_layer_factors": [2.0, 3.0]}
    factors = {part.config.style_layers: part.config.style_layer_factors for part in planned(figure, **changes).parts}
    assert factors == {("conv1_1",): (2.0,), ("conv1_1", "conv2_1"): (2.0, 3.0)}


@pytest.mark.parametrize("preset", list(PRESETS))
def test_a_figure_starts_from_noise_with_the_layers_of_its_preset(preset):
    start = FIGURES[CONTENT].start(PRESETS[preset])
    assert start.init == "noise"
    assert start.content_layers == start.style_layers == PRESETS[preset].style_layers
    assert start.pooling == PRESETS[preset].pooling
    assert FIGURES[SWEEP].start(PRESETS[preset]).content_layers == PRESETS[preset].content_layers


@pytest.mark.parametrize(
    ("figure", "ratios", "changes", "said"),
    [
        (CONTENT, [], {"content_layers": []}, "content_layers is empty"),
        (STYLE, [], {"style_layers": []}, "style_layers is empty"),
        (SWEEP, [1e-3], {"style_layers": []}, "style_layers is empty"),
        (CONTENT, [], {"content_weight": 0.0}, "content_weight is 0"),
        (STYLE, [], {"style_weight": 0.0}, "style_weight is 0"),
        (SWEEP, [1e-3], {"style_weight": 0.0}, "style_weight is 0"),
        (SWEEP, [], {}, "above 0"),
        (SWEEP, [1e-3, 0.0], {}, "above 0"),
        (SWEEP, [float("nan")], {}, "above 0"),
        (SWEEP, [float("inf")], {}, "above 0"),
        (CONTENT, [], {"style_weights": [1.0]}, "a reconstruction has one"),
        (STYLE, [], {"style_weights": [1.0, 2.0]}, "a reconstruction has one"),
    ],
)
def test_a_figure_that_would_show_nothing_is_refused(figure, ratios, changes, said):
    with pytest.raises(UsageError, match=said):
        planned(figure, ratios, **changes)
