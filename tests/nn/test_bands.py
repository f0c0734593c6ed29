"""The rows that a chain of layers needs for a band of its output."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from imgxlate.nn.bands import Branch, Rows, evaluate, flatten, heights, need
from imgxlate.nn.stages import Residual, convolution, pointwise

CHANNELS = 2


def reflected(width):
    layer = nn.Sequential(nn.ReflectionPad2d(width), nn.Conv2d(CHANNELS, CHANNELS, 2 * width + 1))
    return convolution(layer[1], width, layer)


def strided():
    layer = nn.Conv2d(CHANNELS, CHANNELS, 4, 2, 1)
    return convolution(layer, 1, layer)


def transposed():
    layer = nn.ConvTranspose2d(CHANNELS, CHANNELS, 3, 2, 1, 1)
    return convolution(layer, 1, layer)


local = st.sampled_from([reflected(1), reflected(2), pointwise(torch.tanh, CHANNELS)])
residual = st.builds(Residual, st.lists(local, max_size=3))
nested = st.builds(lambda *stages: Residual(stages), local, residual, local)
stages = st.lists(st.one_of(local, residual, nested, st.sampled_from([strided(), transposed()])), max_size=6)


def whole(stages, x):
    for stage in stages:
        x = x + whole(stage.stages, x) if isinstance(stage, Residual) else stage.compute(x)
    return x


@given(stages=stages, height=st.integers(2, 6).map(lambda side: 8 * side), data=st.data())
def test_a_band_is_computed_from_the_rows_it_needs(stages, height, data):
    x = torch.randn(1, CHANNELS, height, 16, generator=torch.Generator().manual_seed(height))
    chain = flatten(stages)
    sides = [height, *heights(chain, height)]
    if min(sides) < 8:  # Reflection needs a minimum of rows.
        return
    top = data.draw(st.integers(0, sides[-1] - 1))
    band = Rows(top, data.draw(st.integers(top + 1, sides[-1])))
    needed = need(chain, height, band, ())
    assert 0 <= needed.input.top < needed.input.bottom <= height
    with torch.no_grad():
        [part] = evaluate(chain, needed, x[:, :, needed.input.top : needed.input.bottom], (), None)
        expected = whole(stages, x)[:, :, band.top : band.bottom]
    assert torch.allclose(part, expected, atol=1e-5)


def test_a_chain_may_begin_or_end_inside_a_residual_connection():
    layer = reflected(2)
    x, band = torch.randn(1, CHANNELS, 20, 9), Rows(8, 11)
    first, second = [Branch.SAVE, layer], [layer, Branch.ADD]
    begin = need(first, 20, Rows(6, 13), (True,))
    with torch.no_grad():
        half, saved = evaluate(first, begin, x[:, :, begin.input.top : begin.input.bottom], (), None)
        end = need(second, 20, band, ())
        assert (end.input, end.saved) == (Rows(6, 13), (band,))
        [part] = evaluate(second, end, half, (saved[:, :, 2:5],), None)
        expected = (x + layer.compute(layer.compute(x)))[:, :, 8:11]
    assert torch.allclose(part, expected, atol=1e-5)


def test_a_band_at_the_border_needs_fewer_rows():
    chain = [reflected(2), reflected(1)]
    assert need(chain, 30, Rows(10, 12), ()).input == Rows(7, 15)
    assert need(chain, 30, Rows(0, 2), ()).input == Rows(0, 5)
    assert need(chain, 30, Rows(28, 30), ()).input == Rows(25, 30)


def test_the_input_of_a_strided_layer_begins_at_a_multiple_of_its_stride():
    assert need([strided()], 32, Rows(3, 4), ()).input == Rows(4, 10)
    assert need([transposed()], 16, Rows(7, 8), ()).input == Rows(2, 5)


def test_a_missing_saved_map_is_an_error():
    needed = need([Branch.ADD], 4, Rows(0, 4), ())
    with pytest.raises(ValueError, match="missing"):
        evaluate([Branch.ADD], needed, torch.zeros(1, 1, 4, 4), (None,), None)
