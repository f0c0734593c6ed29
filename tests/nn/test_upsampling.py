"""The folded convolution is the convolution of the upsampled image."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional

from imgxlate.nn.upsampling import convolve_upsampled, pad


def upsampled_then_convolved(x, convolution, kind):
    return convolution(pad(functional.interpolate(x, scale_factor=2), 2, kind))


def convolution(bias=True, layout=torch.contiguous_format):
    torch.manual_seed(0)
    return nn.Conv2d(6, 4, 5, bias=bias, dtype=torch.float64).to(memory_format=layout)


@pytest.mark.parametrize("kind", ["reflect", "replicate", "zero"])
@pytest.mark.parametrize("size", [(2, 2), (2, 7), (5, 3), (9, 16)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_equals_upsampling_padding_and_convolving(kind, size, layout):
    layer = convolution(layout=layout)
    x = torch.randn(2, 6, *size, dtype=torch.float64).contiguous(memory_format=layout)
    folded = convolve_upsampled(x, layer, kind)
    assert torch.allclose(folded, upsampled_then_convolved(x, layer, kind), atol=1e-12)


def test_a_convolution_needs_no_bias():
    layer = convolution(bias=False)
    x = torch.randn(1, 6, 4, 4, dtype=torch.float64)
    folded = convolve_upsampled(x, layer, "reflect")
    assert torch.allclose(folded, upsampled_then_convolved(x, layer, "reflect"), atol=1e-12)


@pytest.mark.parametrize("kind", ["reflect", "zero"])
def test_gradients_are_the_same_too(kind):
    gradients = []
    for function in (convolve_upsampled, upsampled_then_convolved):
        layer = convolution()
        torch.manual_seed(1)
        x = torch.randn(1, 6, 3, 4, dtype=torch.float64, requires_grad=True)
        function(x, layer, kind).square().sum().backward()
        gradients.append((x.grad, layer.weight.grad, layer.bias.grad))
    for folded, plain in zip(*gradients, strict=True):
        assert torch.allclose(folded, plain, rtol=1e-10)


@pytest.mark.parametrize("kind", ["reflect", "replicate", "zero"])
def test_gradients_can_be_differentiated_again(kind):
    x = torch.randn(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 5, 5, dtype=torch.float64, requires_grad=True)

    def convolved(x, weight):
        return convolve_upsampled(x, SimpleNamespace(weight=weight, bias=None), kind)

    assert torch.autograd.gradcheck(convolved, (x, weight))
    assert torch.autograd.gradgradcheck(convolved, (x, weight))


@pytest.mark.parametrize("kind", ["reflect", "replicate", "zero"])
def test_compiled_padding_gives_the_same_numbers_and_gradients(kind):
    compiled = torch.compile(pad, backend="aot_eager", dynamic=False)
    found = []
    for function in (pad, compiled):
        x = torch.randn(1, 6, 4, 5, generator=torch.Generator().manual_seed(0))
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
        padded = function(x, 2, kind)
        (padded * torch.arange(9.0)).sum().backward()
        found.append((padded, x.grad))
    for plain, other in zip(*found, strict=True):
        assert torch.allclose(plain, other)
