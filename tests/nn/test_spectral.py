"""Spectral normalization against the singular value decomposition."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from imgxlate.nn.spectral import normalize_spectrally, plain_state


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(4 * 36, 2))


def largest(weight):
    return torch.linalg.matrix_norm(weight.detach().flatten(1), ord=2)


@pytest.mark.parametrize(
    "make", [lambda: nn.Conv2d(3, 5, 4), lambda: nn.Linear(7, 4), lambda: nn.ConvTranspose2d(4, 3, 3)]
)
def test_the_largest_singular_value_becomes_one(make):
    torch.manual_seed(0)  # The power method is slow where two singular values are nearly equal.
    layer = make()
    weight = layer.weight.detach().clone()
    normalize_spectrally(layer)
    for _ in range(100):
        normalized = layer.weight
    assert torch.allclose(normalized, weight / largest(weight), rtol=1e-4, atol=1e-6)


def test_gradients_are_those_of_finite_differences():
    layer = normalize_spectrally(nn.Conv2d(2, 3, 2).double())
    images = torch.randn(2, 2, 4, 4, dtype=torch.float64)
    original = layer.parametrizations.weight.original
    for _ in range(300):  # Then the singular vectors no longer move.
        layer(images)
    name = "parametrizations.weight.original"
    assert torch.autograd.gradcheck(
        lambda weight: functional_call(layer, {name: weight}, images), original, nondet_tol=1e-9, atol=1e-6
    )


def test_the_estimate_moves_only_where_the_weight_is_trained():
    net = normalize_spectrally(network())
    images = torch.randn(2, 3, 8, 8)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}

    def moved():
        return {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}

    with torch.no_grad():
        net(images)
    net.requires_grad_(False)
    net(images)
    plain_state(net)
    assert moved() == set()
    net.requires_grad_(True)
    net(images)
    assert moved() == {"0.parametrizations.weight.0.left", "3.parametrizations.weight.0.left"}


def test_a_network_may_be_called_several_times_before_its_gradients_are_computed():
    net = normalize_spectrally(network())
    images = torch.randn(2, 3, 8, 8)
    (net(images).sum() + net(images).sum()).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_the_plain_state_gives_the_same_outputs_in_a_network_without_normalization():
    net = normalize_spectrally(network())
    images = torch.randn(2, 3, 8, 8)
    plain = network(seed=1)
    with torch.no_grad():
        expected = net(images)
        plain.load_state_dict(plain_state(net))
        assert torch.allclose(plain(images), expected, atol=1e-6)
    assert plain_state(plain).keys() == plain.state_dict().keys()


def test_bfloat16_keeps_the_normalization_in_full_precision():
    net = normalize_spectrally(network())
    exact = plain_state(net)["0.weight"]
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert torch.equal(net[0].weight, exact)
