"""The blocks of MUNIT's and UNIT's networks."""

import pytest
import torch
from torch import nn

from imgxlate.nn.blocks import ConvBlock, make_activation
from imgxlate.nn.upsampling import pad


def image(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


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
