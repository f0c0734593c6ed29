"""Networks are found wherever they sit in a file, and names say which domain they take."""

import pytest
import torch

from imgxlate.methods.shared.checkpoints import domain_of, networks_in


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
