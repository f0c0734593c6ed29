"""Names in files: wrappers are left out, averages replace trained weights, networks are found, chosen and directed."""

from pathlib import Path

import pytest
import torch

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods.tensor_names import (
    averaged,
    chosen,
    domain_in_file_name,
    domain_of,
    listed,
    network_names,
    networks_in,
    opposite,
    unwrapped,
)

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


def named(*names):
    return {name: torch.ones(1) for name in names}


def test_networks_are_found_by_the_end_of_a_name_and_take_the_longest_prefix():
    tensors = named("a.x.w", "a.x.b", "a.module.x.w", "a.module.y", "other", "ax.w")
    found = networks_in(tensors, "x.w")
    assert {prefix: set(group) for prefix, group in found.items()} == {
        "a.": {"x.w", "x.b"},
        "a.module.": {"x.w", "y"},
    }


def test_a_bare_network_has_no_prefix():
    assert networks_in(named("x.w", "y"), "x.w").keys() == {""}


@pytest.mark.parametrize(
    ("prefix", "domain"),
    [
        ("a.", "A"),
        ("b.", "B"),
        ("gen_a.", "A"),
        ("gen_b.module.", "B"),
        ("netG_A.module.", "A"),
        ("netG_B._orig_mod.", "B"),
        ("state_dict.G_A.", "A"),
        ("G_AB.", "A"),
        ("G_BA.", "B"),
        ("genA2B.", "A"),
        ("G_B_to_A.", "B"),
        ("G_AtoB.", "A"),
        ("model.", None),
        ("", None),
        ("ema.", None),
        ("data.", None),
        ("generator.", None),
    ],
)
def test_the_name_of_a_network_shows_its_domain(prefix, domain):
    assert domain_of(prefix) == domain


@pytest.mark.parametrize(
    "prefix", ["G.", "networks.G.", "models.G._fsdp_wrapped_module.", "params.net.G.module.", "G._forward_module."]
)
def test_the_name_of_a_network_has_no_wrappers_and_containers(prefix):
    assert listed([prefix]) == "G"


@pytest.mark.parametrize(
    ("name", "domain", "other"),
    [
        ("latest_net_G_A.pth", "A", "latest_net_G_B.pth"),
        ("200_net_G_B.pth", "B", "200_net_G_A.pth"),
        ("gen_AB.pth", "A", "gen_BA.pth"),
        ("netG_B2A.pth", "B", "netG_A2B.pth"),
        ("generator_a_to_b.pt", "A", "generator_b_to_a.pt"),
        ("G_A.safetensors", "A", "G_B.safetensors"),
        ("G_BA_100.pth", "B", "G_AB_100.pth"),
        ("netG_B2A_epoch_9.pth", "B", "netG_A2B_epoch_9.pth"),
        ("netG_A-latest.pth", "A", "netG_B-latest.pth"),
        ("G_XtoY.pth", "A", "G_YtoX.pth"),
        ("g21-20000.pkl", "B", "g12-20000.pkl"),
        ("G_1to2.pth", "A", "G_2to1.pth"),
        ("gen_12.pt", None, None),  # the number of a step
        ("G_Adam.pth", None, None),
        ("net_G_best.pth", None, None),
        ("latest_net_G.pth", None, None),
        ("horse2zebra.pth", None, None),
        ("photos_of_b.pth", None, None),
        ("latest_net_D_A.pth", None, None),
    ],
)
def test_the_name_of_a_file_shows_its_direction_and_the_name_of_the_opposite_file(name, domain, other):
    path = Path("folder") / name
    assert domain_in_file_name(path) == domain
    assert opposite(path) == (Path("folder") / other if other else None)
