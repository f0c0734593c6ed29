"""A wrong file is recognised, named, and the right one is said; networks are found wherever they sit in a file."""

from pathlib import Path

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import originals


def named(*names):
    return {name: torch.ones(1) for name in names}


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["a.enc_content.model.0.conv.weight", "a.dec.model.5.conv.weight"], "generators of MUNIT"),
        (["b.enc.model.0.conv.weight"], "generators of UNIT"),
        (["model.1.weight", "model.10.conv_block.1.weight"], "a generator of CycleGAN"),
        (["netG_A.model.10.conv_block.1.weight", "netD_A.model.0.weight"], "a generator of CycleGAN"),
        (["model.1.weight", "model.7.filt", "model.12.conv_block.1.weight"], "a generator of CUT"),
        (["model.model.0.weight", "model.model.1.model.1.weight"], "a U-Net generator"),
        (["encode_A.0.model.0.weight", "dec_shared.0.model.0.weight"], "a model of UNIT's first release"),
        (["autoencoder_a.style_encoder.model.0.layers.conv.weight"], "a model of imaginaire"),
        (["generators.a2b.init_conv.conv.weight"], "a model of mmgeneration"),
        (["a.cnns.0.0.conv.weight"], "a discriminator of MUNIT or UNIT"),
        (["a.cnns.0.0.conv.module.weight_bar"], "a discriminator of MUNIT or UNIT"),
        (["gen.state.0.exp_avg", "gen.state.0.step"], "the state of an optimiser"),
        (["model.0.weight", "model.2.weight", "model.11.weight"], "a patch discriminator"),
        (["net.0.weight"], "a patch discriminator"),
        (["features.0.weight", "classifier.6.weight"], "an image classifier"),
        (["layer1.0.conv1.weight", "fc.weight"], "an image classifier"),
    ],
)
def test_each_kind_of_file_is_told_by_its_names(names, title):
    assert originals.recognise(named(*names)).title.startswith(title)


def test_the_full_size_networks_are_recognised(reference_keys):
    headings = {
        "AdaINGen": "generators of MUNIT",
        "MsImageDis": "a discriminator of MUNIT or UNIT",
        "VAEGen": "generators of UNIT",
        "resnet_9blocks": "a generator of CycleGAN",
        "resnet_6blocks": "a generator of CycleGAN",
        "D": "a patch discriminator (CycleGAN or pix2pix)",
    }
    for heading, title in headings.items():
        assert originals.recognise(dict.fromkeys(reference_keys(heading), torch.ones(1))).title == title


def test_unknown_names_are_no_known_kind():
    assert originals.recognise(named("weight", "encoder.0.bias")) is None


@pytest.fixture
def refusal(load):
    def refused(method, path):
        with pytest.raises(CheckpointError) as caught:
            load(method, path)
        return str(caught.value), caught.value.hint

    return refused


@pytest.fixture
def optimiser(tmp_path):
    """The optimisers' state as MUNIT's program saves it."""
    weight = torch.nn.Parameter(torch.ones(3))
    adam = torch.optim.Adam([weight])
    weight.square().sum().backward()
    adam.step()
    torch.save({"gen": adam.state_dict(), "dis": adam.state_dict()}, tmp_path / "optimizer.pt")
    return tmp_path / "optimizer.pt"


@pytest.mark.parametrize("method", ["munit", "unit"])
def test_a_discriminator_is_named_and_the_generators_beside_it(refusal, golden, method):
    message, hint = refusal(method, golden / method / "dis_00000001.pt")
    assert "this file holds a discriminator of MUNIT or UNIT" in message
    assert hint.endswith(str(golden / method / "gen_00000001.pt"))


def test_a_patch_discriminator_is_named_and_the_generator_beside_it(refusal, golden):
    message, hint = refusal("cyclegan", golden / "cyclegan" / "latest_net_D_A.pth")
    assert "this file holds a patch discriminator" in message
    assert hint.endswith("latest_net_G_A.pth")


def test_an_optimiser_is_named_and_the_newest_generators_beside_it(refusal, optimiser):
    message, hint = refusal("munit", optimiser)
    assert "this file holds the state of an optimiser, not a generator of munit" in message
    assert "gen_*.pt" in hint
    for number in (1, 20000, 300):
        optimiser.with_name(f"gen_{number:08d}.pt").touch()
    assert refusal("munit", optimiser)[1].endswith("gen_00020000.pt")


@pytest.mark.parametrize(
    ("method", "other", "file"),
    [
        ("munit", "unit", "unit/gen_00000001.pt"),
        ("unit", "munit", "munit/gen_00000001.pt"),
        ("cyclegan", "munit", "munit/gen_00000001.pt"),
        ("munit", "cyclegan", "cyclegan/latest_net_G_A.pth"),
    ],
)
def test_another_methods_model_is_named_with_the_command_for_it(refusal, golden, method, other, file):
    message, hint = refusal(method, golden / file)
    assert f"of {other.upper() if other != 'cyclegan' else 'CycleGAN'}" in message
    assert hint == f"Type `imgxlate translate {other} ... --checkpoint {golden / file}`."


@pytest.mark.parametrize("method", ["munit", "unit", "cyclegan"])
def test_our_model_of_another_method_is_named_whatever_its_tensors(refusal, golden, load, tmp_path, method):
    model = {"cyclegan": "cyclegan/latest_net_G_A.pth"}.get(method, f"{method}/gen_00000001.pt")
    tensors = load(method, golden / model).tensors()
    checkpoint.write(tmp_path / "x.safetensors", tensors, {"method": "other"})
    message, hint = refusal(method, tmp_path / "x.safetensors")
    assert "this file holds a model of other" in message
    assert "imgxlate translate other" in hint


def test_a_file_of_ours_without_the_methods_tensors_is_refused(refusal, tmp_path):
    checkpoint.write(tmp_path / "x.safetensors", named("w"), {"method": "munit", "architecture": {}})
    assert "holds no whole model of munit: its tensors are w" in refusal("munit", tmp_path / "x.safetensors")[0]


@pytest.mark.parametrize("method", ["munit", "unit", "cyclegan"])
def test_an_unknown_file_is_refused_with_the_first_of_its_names(refusal, tmp_path, method):
    torch.save(named("encoder.weight", "b", "c", "d"), tmp_path / "x.pt")
    message, hint = refusal(method, tmp_path / "x.pt")
    assert "its tensors are encoder.weight, b, c, ..." in message
    assert method in hint


def test_advice_stands_alone_where_no_other_file_is_there(refusal, tmp_path):
    torch.save(named("model.model.0.weight"), tmp_path / "latest_net_G.pth")
    message, hint = refusal("cyclegan", tmp_path / "latest_net_G.pth")
    assert "a U-Net generator" in message
    assert hint.endswith("resnet_6blocks.")


def test_groups_are_found_by_the_end_of_a_name_and_take_the_longest_prefix():
    tensors = named("a.x.w", "a.x.b", "a.module.x.w", "a.module.y", "other", "ax.w")
    found = originals.groups(tensors, "x.w")
    assert {prefix: set(group) for prefix, group in found.items()} == {
        "a.": {"x.w", "x.b"},
        "a.module.": {"x.w", "y"},
    }


def test_a_bare_network_is_the_group_without_a_prefix():
    assert originals.groups(named("x.w", "y"), "x.w").keys() == {""}


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
def test_a_networks_name_says_its_domain(prefix, domain):
    assert originals.domain_of(prefix) == domain


@pytest.mark.parametrize(
    ("name", "domain", "opposite"),
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
def test_a_files_name_says_its_direction_and_that_of_the_other(name, domain, opposite):
    path = Path("folder") / name
    assert originals.domain_in_file_name(path) == domain
    assert originals.opposite(path) == (Path("folder") / opposite if opposite else None)
