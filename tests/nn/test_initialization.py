"""Initial weights."""

import pytest
import torch
from torch import nn

from imgxlate.nn.initialization import initialize, seeded
from imgxlate.nn.norms import InstanceNorm

FAN_IN, FAN_OUT = 16 * 9, 64 * 9  # of a 3x3 convolution from 16 to 64 channels


def drawn(kind, layer=None):
    with seeded(0):
        layer = layer or nn.Conv2d(16, 64, 3)
        nn.init.ones_(layer.bias)
        initialize(layer, kind)
    return layer


@pytest.mark.parametrize(
    ("kind", "deviation"),
    [("kaiming", (2 / FAN_IN) ** 0.5), ("xavier", 2**0.5 * (2 / (FAN_IN + FAN_OUT)) ** 0.5), ("gaussian", 0.02)],
)
def test_weights_have_the_deviation_of_their_kind_and_biases_are_zero(kind, deviation):
    layer = drawn(kind)
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.03)
    assert abs(layer.weight.mean().item()) < 0.05 * deviation
    assert (layer.bias == 0).all()


def test_a_gain_scales_xaviers_weights():
    with seeded(0):
        layer = initialize(nn.Conv2d(16, 64, 3), "xavier", 0.02)
    assert layer.weight.std().item() == pytest.approx(0.02 * (2 / (FAN_IN + FAN_OUT)) ** 0.5, rel=0.03)


def test_orthogonal_weights_are_a_rotation_times_the_root_of_two():
    rows = drawn("orthogonal").weight.flatten(1)
    assert torch.allclose(rows @ rows.T, 2 * torch.eye(64), atol=1e-5)


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d(16, 64, 3), nn.Linear(400, 200)])
def test_linear_layers_and_transposed_convolutions_are_initialized_too(layer):
    drawn("gaussian", layer)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert (layer.bias == 0).all()


def test_norms_keep_their_parameters():
    norm = InstanceNorm(4, affine=True)
    initialize(nn.Sequential(norm, nn.Conv2d(4, 4, 1)), "gaussian")
    assert (norm.weight == 1).all()


def test_the_seed_determines_the_draws_within_the_block_but_none_after_it():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1):
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with seeded(1):
        assert torch.equal(torch.rand(3), first)
    with seeded(2):
        assert not torch.equal(torch.rand(3), first)
