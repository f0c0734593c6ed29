"""Discriminators that also judge features, and generators that Muon updates, in the steps of every method."""

import pytest
import torch
from built_in import ADVERSARIAL
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

from imgxlate.errors import CheckpointError, UsageError

every = pytest.mark.parametrize("method", ADVERSARIAL)

JUDGED = {"judge_features": True, "optimizer": "muon"}


def copied(training):
    return {name: tensor.clone() for name, tensor in training.state().items()}


def changed(before, training):
    state = training.state()
    return {name for name, tensor in before.items() if not torch.equal(state[name], tensor)}


@every
def test_what_scores_features_learns_and_what_mixes_them_does_not(begin, advance, vgg19, method):
    training = begin(method, JUDGED, features=vgg19)
    before = copied(training)
    advance(training)
    learned = {name for name in changed(before, training) if name.startswith("dis") and ".weights." in name}
    assert any(".pixels." in name for name in learned)
    assert {name.split(".heads.")[1][0] for name in learned if ".heads." in name} == set("01234")
    assert any(".across_channels." in name for name in before)
    assert not any(".across_" in name for name in learned)


@every
def test_neither_state_nor_model_holds_the_feature_network(begin, vgg19, method):
    judged, plain = begin(method, {"judge_features": True}, features=vgg19), begin(method)
    added = {name: tensor for name, tensor in judged.state().items() if ".pixels." not in name}
    assert sum(tensor.numel() for name, tensor in added.items() if name.startswith("dis")) < 1_500_000
    assert judged.generators().keys() == plain.generators().keys()


@every
def test_a_restored_state_continues_bit_for_bit(begin, advance, vgg19, method):
    straight = begin(method, JUDGED, features=vgg19)
    for step in range(2):
        advance(straight, step)
    kept = copied(straight)
    advance(straight, 2)
    resumed = begin(method, JUDGED | {"seed": 7}, features=vgg19)
    resumed.load_state(kept)
    advance(resumed, 2)
    assert not changed(straight.state(), resumed)


@every
def test_muon_updates_all_convolutions_and_nothing_else(begin, advance, method):
    training = begin(method, {"optimizer": "muon"})
    advance(training)
    for kind, key, dimensions in (("muon", "momentum", {4}), ("adam", "exp_avg", {1, 2})):
        kept = [name for name in training.state() if f".{kind}." in name and name.endswith(f".{key}")]
        names = [name.replace(f".{kind}.", ".", 1).removesuffix(f".{key}") for name in kept]
        sides = zip(training.parts, (training._generators, training._discriminators), strict=True)
        weights = [(part, pair) for part, side in sides for pair in side.networks.named_parameters()]
        assert sorted(names) == sorted(f"{part}.{name}" for part, (name, w) in weights if w.dim() in dimensions)


@every
def test_the_penalty_of_gradients_is_that_of_pixels(begin, advance, vgg19, method):
    weight = "dis.r1_w" if method in ("munit", "unit") else "r1_w"
    plain = advance(begin(method, {weight: 1.0}))
    judged = advance(begin(method, {weight: 1.0, "judge_features": True}, features=vgg19))
    penalties = [name for name in plain if "r1" in name.lower()]
    assert penalties
    assert all(judged[name] == plain[name] for name in penalties)


@pytest.mark.parametrize("method", ["cyclegan", "cut"])  # MUNIT and UNIT need 16 pixels for themselves.
def test_a_crop_that_the_network_cannot_halve_is_refused(begin, vgg19, method):
    changes = {"data.crop_height": 12, "data.crop_width": 12, "judge_features": True}
    with pytest.raises(UsageError, match="judge_features needs at least 16") as refused:
        begin(method, changes, features=vgg19)
    assert "--set data.crop_height=16" in refused.value.hint


@every
def test_a_missing_network_is_said(begin, method):
    with pytest.raises(CheckpointError, match="judge_features"):
        begin(method, {"judge_features": True})


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # Both are the compiler's own.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_compiled_networks_give_the_same_losses(begin, advance, vgg19, monkeypatch):
    backend = CompileCounterWithBackend("aot_eager")  # all of the compiler but the making of machine code
    compile_network = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda network, **o: compile_network(network, backend=backend, **o))
    changes = {"judge_features": True, "gen.n_blocks": 1, "nce_layers": (0, 4)}
    plain, compiled = (
        advance(begin("cut", changes, features=vgg19, compiled=each, dtype=torch.float64)) for each in (False, True)
    )
    assert backend.frame_count > 0
    assert all(torch.allclose(compiled[name], loss, rtol=1e-6) for name, loss in plain.items())
