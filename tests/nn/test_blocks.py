"""The convolutions and the block of MUNIT's and UNIT's networks."""

import pytest
import torch
from torch import nn

from imgxlate.nn.blocks import Conv2d, ConvBlock, make_activation, set_compute_dtype
from imgxlate.nn.upsampling import pad


def image(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_in_bfloat16_maps_float32_to_float32_and_keeps_its_weights(bias):
    layer = Conv2d(3, 8, 3, bias=bias)
    weights = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    x = image(1, 3, 8, 8)
    exact = layer(x)
    set_compute_dtype(layer, torch.bfloat16)
    rounded = layer(x)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.05
    assert all(torch.equal(tensor, weights[name]) for name, tensor in layer.state_dict().items())
    set_compute_dtype(layer, torch.float32)
    assert torch.equal(layer(x), exact)


def test_a_convolution_equals_that_of_torch():
    layer = Conv2d(3, 5, 3, stride=2, padding=1)
    x = image(2, 3, 9, 7)
    assert torch.equal(layer(x), nn.Conv2d.forward(layer, x))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("relu", (0, 2)),
        ("lrelu", (-0.2, 2)),
        ("prelu", (-0.25, 2)),
        ("selu", (-1.1113307, 2.101402)),
        ("tanh", (-0.7615942, 0.9640276)),
        ("none", (-1, 2)),
    ],
)
def test_each_activation_equals_that_of_the_original(kind, values):
    assert make_activation(kind)(torch.tensor([-1.0, 2.0])).tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ("kind", "row"), [("reflect", [2, 1, 2, 3, 2]), ("replicate", [1, 1, 2, 3, 3]), ("zero", [0, 1, 2, 3, 0])]
)
def test_each_padding_equals_that_of_the_original(kind, row):
    x = torch.tensor([1.0, 2, 3]).expand(1, 1, 3, 3)
    assert pad(x, 1, kind)[0, 0, 2].tolist() == row


@pytest.mark.parametrize(("kernel", "stride", "size"), [(7, 1, (12, 8)), (3, 1, (12, 8)), (4, 2, (6, 4))])
def test_a_block_keeps_the_size_or_halves_it(kernel, stride, size):
    block = ConvBlock(3, 6, kernel, stride=stride)
    assert block(image(2, 3, 12, 8)).shape == (2, 6, *size)


def test_a_block_pads_convolves_normalizes_and_activates_in_that_order():
    block = ConvBlock(3, 4, 3, norm=nn.BatchNorm2d(4).eval(), activ="lrelu", pad_type="replicate")
    block.norm.running_mean.fill_(1)
    x = image(1, 3, 5, 5)
    convolved = nn.functional.conv2d(nn.functional.pad(x, (1, 1, 1, 1), mode="replicate"), *block.conv.parameters())
    expected = nn.functional.leaky_relu((convolved - 1) / (1 + 1e-5) ** 0.5, 0.2)
    assert torch.allclose(block(x), expected, atol=1e-5)
