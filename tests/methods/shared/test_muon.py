"""Muon: updates with equal singular values, and a state from which a training continues."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from imgxlate.errors import CheckpointError
from imgxlate.methods.protocol import StepContext
from imgxlate.methods.shared.muon import Muon, orthogonalized
from imgxlate.methods.shared.optimization import TrainedNetworks
from imgxlate.methods.spec import TrainingConfig
from imgxlate.nn.initialization import seeded

LR = 0.01


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(4, 40), (40, 4), (16, 16)])
def test_all_singular_values_become_about_one_in_the_same_directions(shape):
    left, _, right = torch.linalg.svd(noise(*shape), full_matrices=False)
    values = torch.logspace(0, -1.5, min(shape))
    changed = left.T @ orthogonalized(left * values @ right) @ right.T
    assert changed.diagonal().min() > 0.6
    assert changed.diagonal().max() < 1.3
    assert (changed - changed.diagonal().diag()).abs().max() < 1e-3


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_update_has_equal_singular_values_whatever_the_gradient(layout):
    weight = nn.Parameter(noise(6, 4, 3, 3).to(memory_format=layout))
    before = weight.detach().clone()
    weight.grad = 1e3 * noise(6, 1, 1, 1) * noise(6, 4, 3, 3, seed=1)
    Muon([weight], lr=LR, weight_decay=0).step()
    values = torch.linalg.svdvals((before - weight.detach()).flatten(1)) / (LR * 0.2 * 36**0.5)
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_the_weights_decay_by_their_share():
    weight = nn.Parameter(noise(6, 4, 3, 3))
    before = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    Muon([weight], lr=LR, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), before * (1 - LR * 0.5))


@pytest.fixture
def begin():
    def build(seed=0):
        with seeded(seed):
            network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 3))
        trained = TrainedNetworks({"net": network}, TrainingConfig(lr=LR), lambda step: 1.0, muon=True)
        trained.place(torch.device("cpu"), torch.float32)
        return trained

    return build


def advance(trained, step):
    context = StepContext(step, None, None, SimpleNamespace(rank=0, size=1, average=lambda tensors: None))
    images = noise(2, 3, 12, 12, seed=step)
    trained.update(trained.networks["net"](images).square().mean(), context)


def test_a_restored_state_continues_to_the_same_weights_bit_for_bit(begin):
    straight = begin()
    for step in range(3):
        advance(straight, step)
    kept = {name: tensor.clone() for name, tensor in straight.state().items()}
    resumed = begin(seed=1)
    resumed.load_state(kept)
    for trained in (straight, resumed):
        advance(trained, 3)
    found = resumed.state()
    assert all(torch.equal(tensor, found[name]) for name, tensor in straight.state().items())


def test_convolutions_have_a_momentum_and_biases_the_moments_of_adam(begin):
    trained = begin()
    advance(trained, 0)
    kinds = {name.rpartition(".")[0] for name in trained.state() if not name.startswith("weights.")}
    assert kinds == {
        *(f"muon.net.{number}.weight" for number in (0, 2)),
        *(f"adam.net.{number}.bias" for number in (0, 2)),
    }


def test_a_state_of_adam_is_refused(begin):
    trained = begin()
    advance(trained, 0)
    state = trained.state()
    momentum = state.pop("muon.net.0.weight.momentum")
    state["adam.net.0.weight.exp_avg"] = momentum
    with pytest.raises(CheckpointError, match=r"adam\.net\.0\.weight\.exp_avg is unexpected"):
        trained.load_state(state)
    with pytest.raises(CheckpointError, match=r"muon\.net\.2\.weight\.momentum is \(1,\)"):
        trained.load_state(trained.weights() | {"muon.net.2.weight.momentum": torch.zeros(1)})
