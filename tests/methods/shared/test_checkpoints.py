"""Networks are found wherever they sit in a file, and names say which domain they take."""

from pathlib import Path

import pytest
import torch

from imgxlate.methods.shared.checkpoints import domain_in_file_name, domain_of, networks_in, opposite


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
    ("name", "domain", "other"),
    [
        ("latest_net_G_A.pth", "A", "latest_net_G_B.pth"),
        ("200_net_G_B.pth", "B", "200_net_G_A.pth"),
        ("gen_AB.pth", "A", "gen_BA.pth"),
        ("netG_B2A.pth", "B", "netG_A2B.pth"),
        ("generator_a_to_b.pt", "A", "generator_b_to_a.pt"),
        ("G_A.safetensors", "A", "G_B.safetensors"),
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
