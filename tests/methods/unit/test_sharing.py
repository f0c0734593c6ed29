"""UNIT's shared layers (arXiv 1703.00848, Sec. 3)."""

import pytest
import torch

SHARED = ("a.enc.model.3.model.1.", "a.dec.model.0.model.0.")


@pytest.fixture
def training(begin):
    return lambda **changes: begin("unit", {"share_latent": True, "gen.n_res": 2} | changes)


def equal(training):
    """The names of the tensors that are the same in both domains."""
    tensors = training.generators()
    names = [name.removeprefix("a.") for name in tensors if name.startswith("a.") and "weight" in name]
    return {name for name in names if torch.equal(tensors[f"a.{name}"], tensors[f"b.{name}"])}


def test_both_domains_share_the_last_block_of_the_encoders_and_the_first_of_the_decoders(training, advance):
    trained = training()
    for step in range(2):
        shared = {name.removeprefix("a.") for name in trained.generators() if name.startswith(SHARED)}
        assert len(shared) == 8
        assert equal(trained) == {name for name in shared if name.endswith("weight")}
        advance(trained, step)


def test_shared_blocks_take_one_step_for_both_gradients(training, advance):
    trained = training()
    advance(trained)
    state = trained.state()
    assert not any(name.startswith("gen.adam.b.enc.model.3.model.1.") for name in state)
    assert state["gen.adam.a.enc.model.3.model.1.model.0.conv.weight.step"] == 1


def test_shared_blocks_are_still_shared_after_loading(training, advance):
    first, second = training(), training(seed=5)
    advance(first)
    second.load_state({name: tensor.clone() for name, tensor in first.state().items()})
    advance(second, 1)
    advance(first, 1)
    assert len(equal(second)) == 4
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in first.state().items())


def test_nothing_is_shared_without_the_option(begin):
    assert not equal(begin("unit", {"gen.n_res": 2}))
