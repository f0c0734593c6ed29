"""Names of tensors: wrappers are left out, averaged weights take the place of trained ones, networks are chosen."""

from pathlib import Path

import pytest
import torch

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods.tensor_names import averaged, chosen, network_names, unwrapped

CONVOLUTION = torch.zeros(1, 1, 1, 1)


def file(*names, header=None):
    """A file with tensors of these names, each with the number of its place."""
    return Checkpoint(Path("x.pth"), {name: torch.tensor(i) for i, name in enumerate(names)}, header or {})


def numbers(checkpoint):
    return {name: int(tensor) for name, tensor in checkpoint.tensors.items()}


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("module.conv.weight", "conv.weight"),
        ("netG_A.module.conv.weight", "netG_A.conv.weight"),
        ("_orig_mod.module.conv.weight", "conv.weight"),
        ("G._orig_mod.block._fsdp_wrapped_module.conv.weight", "G.block.conv.weight"),
        ("modules.conv.weight", "modules.conv.weight"),
    ],
)
def test_wrappers_are_left_out_of_names(name, plain):
    assert list(unwrapped(file(name)).tensors) == [plain]


@pytest.mark.parametrize("names", [("module.w", "w"), ("module", "module.w")])
def test_names_that_would_be_equal_or_empty_stay(names):
    assert list(unwrapped(file(*names)).tensors) == list(names)


@pytest.mark.parametrize(
    ("trained", "average"),
    [
        ("netG_A.c.w", "netG_A_ema.c.w"),
        ("g.c.w", "g_ema.c.w"),
        ("state_dict.G.c.w", "state_dict_ema.G.c.w"),
        ("model.G.c.w", "ema.G.c.w"),
        ("model.G.c.w", "ema_model.G.c.w"),
        ("online_model.G.c.w", "ema_model.G.c.w"),
        ("generator.c.w", "EMA_generator.c.w"),
        ("net_G.c.w", "averaged.net_G.c.w"),
    ],
)
def test_averaged_weights_take_the_place_of_the_trained_ones(trained, average):
    found, twice = averaged(file(average, trained, "D.c.w"))
    assert numbers(found) == {trained: 0, "D.c.w": 2}
    assert len(twice) == 1
    assert average.startswith(f"{twice[0]}.")


def test_averaged_weights_alone_have_the_name_of_the_network():
    found, twice = averaged(file("netG_A_ema.c.w", "netG_B_ema.c.w", "step"))
    assert list(found.tensors) == ["step", "netG_A.c.w", "netG_B.c.w"]
    assert twice == ()


@pytest.mark.parametrize("name", ["schema.w", "G.ema", "emanate_G.c.w"])
def test_other_words_say_nothing_of_an_average(name):
    assert averaged(file(name, "G.c.w"))[0].tensors.keys() == {name, "G.c.w"}


def test_one_network_is_chosen_by_its_name_wherever_it_stands():
    opened = file("state_dict.G.c.w", "state_dict.F.c.w", "state_dict.F.G2.w", "GG.w")
    assert numbers(chosen(opened, ["F"])) == {"F.c.w": 1, "F.G2.w": 2}
    assert numbers(chosen(opened, ["state_dict.G"])) == {"state_dict.G.c.w": 0}


def test_of_two_chosen_networks_the_first_is_that_of_a():
    assert numbers(chosen(file("first.w", "second.w", "third.w"), ["third", "first"])) == {"A.w": 2, "B.w": 0}


def test_an_unknown_name_is_refused_with_the_names_in_the_file():
    tensors = {f"state_dict.{network}.0.weight": CONVOLUTION for network in ("netX", "netY")}
    with pytest.raises(CheckpointError, match="holds no network named 'G'") as caught:
        chosen(Checkpoint(Path("x.pth"), tensors), ["G"])
    assert caught.value.hint == "Its networks: netX, netY."


def test_a_name_that_occurs_twice_is_refused():
    with pytest.raises(CheckpointError, match="several networks named 'G'"):
        chosen(file("old.G.w", "new.G.w"), ["G"])


def test_a_file_of_ours_and_three_names_are_refused():
    with pytest.raises(UsageError, match="by direction") as caught:
        chosen(file("G_A.w", header={"method": "cyclegan"}), ["G_A"])
    assert "--to" in caught.value.hint
    with pytest.raises(UsageError, match="more than twice"):
        chosen(file("a.w"), ["a", "b", "c"])


@pytest.mark.parametrize(
    ("names", "networks"),
    [
        (("G.0.weight", "F.0.weight", "epoch"), ["G", "F"]),
        (("model.state.G.0.weight", "model.state.D.0.weight"), ["G", "D"]),
        (("model.0.weight", "model.3.weight"), []),
        (("weight",), []),
    ],
)
def test_the_names_of_networks_are_those_at_the_first_fork(names, networks):
    assert network_names(dict.fromkeys(names, CONVOLUTION)) == networks
