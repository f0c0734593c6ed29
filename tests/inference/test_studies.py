"""Which pictures the paper's figures consist of."""

import pytest

from imgxlate.config import overridden
from imgxlate.errors import UsageError
from imgxlate.inference import studies
from imgxlate.inference.studies import Figure
from imgxlate.methods import registry

PRESETS = registry.find("gatys").presets
FIVE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


def planned(figure, *ratios, **changes):
    start = overridden(studies.starting_point(figure, PRESETS["paper"]), changes)
    return studies.plan_study(figure, start, *ratios)


def test_content_is_reconstructed_from_each_layer_alone():
    study = planned(Figure.CONTENT)
    assert study.column_headers == FIVE
    assert study.row_headers is None
    assert [part.layers for part in study.parts] == [(layer,) for layer in FIVE]
    assert [part.config.content_layers for part in study.parts] == [(layer,) for layer in FIVE]
    assert {part.config.style_weight for part in study.parts} == {0}
    assert min(part.config.content_weight for part in study.parts) > 0


def test_content_is_reconstructed_from_the_layers_that_are_asked_for():
    study = planned(Figure.CONTENT, content_layers=["relu4_2", "conv1_2"])
    assert [part.config.content_layers for part in study.parts] == [("relu4_2",), ("conv1_2",)]


def test_style_is_reconstructed_from_growing_sets_of_layers():
    study = planned(Figure.STYLE)
    assert study.column_headers == ("conv1_1", "+ conv2_1", "+ conv3_1", "+ conv4_1", "+ conv5_1")
    assert [part.config.style_layers for part in study.parts] == [FIVE[:count] for count in range(1, 6)]
    assert {part.config.content_weight for part in study.parts} == {0}
    assert min(part.config.style_weight for part in study.parts) > 0


def test_a_sweep_has_a_row_for_each_set_of_layers_and_a_column_for_each_ratio():
    study = planned(Figure.SWEEP)
    assert study.row_headers == ("conv1_1", "+ conv2_1", "+ conv3_1", "+ conv4_1", "+ conv5_1")
    assert study.column_headers == ("ratio 1e-5", "ratio 1e-4", "ratio 1e-3", "ratio 1e-2")
    for row, layers in zip(study.rows, (FIVE[:count] for count in range(1, 6)), strict=True):
        assert [part.config.style_layers for part in row] == [layers] * 4
        ratios = [part.config.content_weight / part.config.style_weight for part in row]
        assert ratios == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2])
        assert [part.ratio for part in row] == pytest.approx(ratios)
    assert {part.config.content_layers for part in study.parts} == {("conv4_2",)}
    assert study.parts[11].label == "+ conv3_1, ratio 1e-2"


def test_the_ratio_is_of_the_style_weight_that_is_asked_for():
    (part,) = planned(Figure.SWEEP, [0.025], style_layers=["conv1_1"], style_weight=8.0).parts
    assert (part.config.content_weight, part.config.style_weight) == (0.2, 8.0)
    assert part.label == "conv1_1, ratio 2.5e-2"


@pytest.mark.parametrize("figure", [Figure.STYLE, Figure.SWEEP])
def test_layers_keep_their_factors(figure):
    changes = {"style_layers": ["conv1_1", "conv2_1"], "style_layer_factors": [2.0, 3.0]}
    factors = {part.config.style_layers: part.config.style_layer_factors for part in planned(figure, **changes).parts}
    assert factors == {("conv1_1",): (2.0,), ("conv1_1", "conv2_1"): (2.0, 3.0)}


@pytest.mark.parametrize("preset", list(PRESETS))
def test_a_study_starts_from_noise_with_the_layers_of_its_preset(preset):
    start = studies.starting_point(Figure.CONTENT, PRESETS[preset])
    assert start.init == "noise"
    assert start.content_layers == start.style_layers == PRESETS[preset].style_layers
    assert start.pooling == PRESETS[preset].pooling
    assert studies.starting_point(Figure.SWEEP, PRESETS[preset]).content_layers == PRESETS[preset].content_layers


@pytest.mark.parametrize(
    ("figure", "ratios", "changes", "said"),
    [
        (Figure.CONTENT, [], {"content_layers": []}, "content_layers is empty"),
        (Figure.STYLE, [], {"style_layers": []}, "style_layers is empty"),
        (Figure.SWEEP, [[1e-3]], {"style_layers": []}, "style_layers is empty"),
        (Figure.CONTENT, [], {"content_weight": 0.0}, "content_weight is 0"),
        (Figure.STYLE, [], {"style_weight": 0.0}, "style_weight is 0"),
        (Figure.SWEEP, [[1e-3]], {"style_weight": 0.0}, "style_weight is 0"),
        (Figure.SWEEP, [[]], {}, "above 0"),
        (Figure.SWEEP, [[1e-3, 0.0]], {}, "above 0"),
        (Figure.SWEEP, [[float("nan")]], {}, "above 0"),
        (Figure.SWEEP, [[float("inf")]], {}, "above 0"),
    ],
)
def test_what_cannot_be_studied_is_said(figure, ratios, changes, said):
    with pytest.raises(UsageError, match=said):
        planned(figure, *ratios, **changes)
