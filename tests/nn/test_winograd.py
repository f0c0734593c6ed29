"""Winograd's convolution and its gradients agree with direct ones in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from imgxlate.nn import winograd
from imgxlate.nn.winograd import Geometry


def compare(x, weight, bias, geometry, gradient=None):
    """The largest errors of the output and of both gradients, in units of what they should spread."""
    double_x, double_weight = x.double().requires_grad_(), weight.double().requires_grad_()
    double_bias = None if bias is None else bias.double()
    exact = functional.conv2d(double_x, double_weight, double_bias, geometry.stride, geometry.padding)
    gradient = torch.randn_like(exact).float() if gradient is None else gradient
    exact_gradients = torch.autograd.grad(exact, (double_x, double_weight), gradient.double())
    found = winograd.convolve(x, weight, bias, geometry)
    by_x, by_weight = winograd.gradients(gradient, x, weight, geometry, by_input=True, by_weight=True)
    assert found.is_contiguous(memory_format=torch.channels_last)
    pairs = zip((found, by_x, by_weight), (exact.detach(), *exact_gradients), strict=True)
    return [float((one - other).abs().max() / other.square().mean().sqrt()) for one, other in pairs]


GEOMETRIES = [Geometry(3), Geometry(3, padding=1), Geometry(4, 2), Geometry(4, 2, 1), Geometry(2), Geometry(6, 2, 2)]


@given(
    geometry=st.sampled_from(GEOMETRIES),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),  # images, channels, output channels
    sides=st.tuples(st.integers(6, 45), st.integers(6, 45)),
    layouts=st.tuples(*[st.sampled_from([torch.contiguous_format, torch.channels_last])] * 2),
    bias=st.booleans(),
    seed=st.integers(0, 9),
)
@settings(max_examples=60)
def test_any_sizes_and_layouts(geometry, sizes, sides, layouts, bias, seed):
    torch.manual_seed(seed)
    images, channels, outputs = sizes
    x = torch.randn(images, channels, *sides).contiguous(memory_format=layouts[0])
    weight = torch.randn(outputs, channels, geometry.kernel, geometry.kernel).contiguous(memory_format=layouts[1])
    errors = compare(x, weight, torch.randn(outputs) if bias else None, geometry)
    assert max(errors) < 2e-4


def test_several_bands_and_several_images_in_a_band():
    torch.manual_seed(0)
    many_rows = torch.randn(2, 130, 66, 150)  # 17 x 37 tiles, of which a band takes 504 at most
    many_images = torch.randn(9, 130, 18, 18)
    weight = torch.randn(140, 130, 3, 3) / 35
    for x in (many_rows, many_images):
        assert max(compare(x, weight, None, Geometry(3, padding=1))) < 2e-4
        assert max(compare(x, torch.randn(20, 130, 4, 4) / 45, None, Geometry(4, 2, 1))) < 2e-4


def test_the_error_in_deep_layers_is_that_of_the_documentation():
    torch.manual_seed(0)
    x, weight = torch.randn(1, 512, 32, 32), torch.randn(256, 512, 3, 3) / (9 * 512) ** 0.5
    assert max(compare(x, weight, None, Geometry(3))) < 1e-4


def test_a_gradient_that_is_one_number_everywhere():
    torch.manual_seed(0)
    x, weight = torch.randn(2, 5, 17, 11), torch.randn(4, 5, 3, 3)
    gradient = torch.ones(()).expand(2, 4, 15, 9)
    assert max(compare(x, weight, None, Geometry(3), gradient)) < 2e-4


def test_only_the_gradient_that_is_asked_for_is_returned():
    x, weight = torch.randn(1, 4, 9, 9), torch.randn(4, 4, 3, 3)
    gradient = torch.randn(1, 4, 7, 7)
    by_x, by_weight = winograd.gradients(gradient, x, weight, Geometry(3), by_input=True, by_weight=False)
    assert by_x is not None
    assert by_weight is None
    by_x, by_weight = winograd.gradients(gradient, x, weight, Geometry(3), by_input=False, by_weight=True)
    assert by_x is None
    assert by_weight is not None


@pytest.mark.parametrize(
    ("geometry", "supported"),
    [
        (Geometry(3), True),
        (Geometry(4, 2), True),
        (Geometry(2), True),
        (Geometry(3, 2), False),
        (Geometry(1), False),
        (Geometry(4), False),
        (Geometry(7), False),
    ],
)
def test_which_sizes_are_supported(geometry, supported):
    assert winograd.supports(geometry) is supported
