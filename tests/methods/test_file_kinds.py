"""A wrong file is recognized, and the error says what it holds and which file to give instead."""

import pytest
import torch
from built_in import WITH_ORIGINAL_MODELS

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import registry
from imgxlate.methods.file_kinds import recognize
from imgxlate.methods.spec import Capability

TRANSLATING = [name for name in registry.BUILT_IN if Capability.TRANSLATE in registry.find(name).capabilities]


def named(*names):
    return {name: torch.ones(1) for name in names}


def shaped(**shapes):
    """Tensors of these shapes; two underscores stand for a dot."""
    return {name.replace("__", "."): torch.ones(shape) for name, shape in shapes.items()}


PATCHES = shaped(
    model__0__weight=(4, 3, 4, 4), model__2__weight=(8, 4, 4, 4), model__3__weight=(8,), model__5__weight=(1, 8, 4, 4)
)
PIXELS = shaped(net__0__weight=(4, 6, 1, 1), net__2__weight=(8, 4, 1, 1), net__5__weight=(1, 8, 1, 1))
U_NET = shaped(model__model__0__weight=(4, 3, 4, 4), model__model__1__model__1__weight=(8, 4, 4, 4))
VGG = named("classifier.6.weight") | shaped(features__0__weight=(64, 3, 3, 3), features__2__weight=(64, 64, 3, 3))
RESNET = named("fc.weight", "layer1.0.conv1.weight") | shaped(conv1__weight=(64, 3, 7, 7))


@pytest.mark.parametrize(
    ("tensors", "title"),
    [
        (named("a.enc_content.model.0.conv.weight", "a.dec.model.5.conv.weight"), "generators of MUNIT"),
        (named("b.enc.model.0.conv.weight"), "generators of UNIT"),
        (named("model.1.weight", "model.10.conv_block.1.weight"), "generators of CycleGAN"),
        (named("netG_A.model.10.conv_block.1.weight") | PATCHES, "generators of CycleGAN"),
        (named("model.1.weight", "model.7.filt", "model.12.conv_block.1.weight"), "generators of CUT"),
        (U_NET, "a U-Net generator"),
        (named("encode_A.0.model.0.weight", "dec_shared.0.model.0.weight"), "a model of UNIT's first release"),
        (named("autoencoder_a.style_encoder.model.0.layers.conv.weight"), "a model of imaginaire's MUNIT"),
        (named("averaged_model.autoencoder_b.decoder.decoder.0.weight"), "a model of imaginaire's UNIT"),
        (named("generators.a2b.init_conv.conv.weight"), "a model of mmgeneration"),
        (named("a.cnns.0.0.conv.weight"), "a discriminator of MUNIT or UNIT"),
        (named("a.cnns.0.0.conv.module.weight_bar"), "a discriminator of MUNIT or UNIT"),
        (named("gen.state.0.exp_avg", "gen.state.0.step"), "the state of an optimizer"),
        (PATCHES, "a patch discriminator"),
        ({f"netD_A.{name}": tensor for name, tensor in PATCHES.items()}, "a patch discriminator"),
        (PIXELS, "a patch discriminator"),
        (named("mlp_0.0.weight", "mlp_0.2.weight", "mlp_1.0.weight"), "the projections of CUT"),
        (VGG, "an image classifier"),
        (RESNET, "an image classifier"),
        (named("conv1_2.weight") | shaped(conv1_1__weight=(64, 3, 3, 3)), "an image classifier"),
    ],
)
def test_each_kind_of_file_is_recognized_by_its_tensors(tensors, title):
    assert recognize(tensors).title.startswith(title)


@pytest.mark.parametrize(
    "tensors",
    [
        named("weight", "encoder.0.bias"),
        named("model.0.weight"),
        shaped(model__0__weight=(4, 3, 4, 4)),
        shaped(model__0__weight=(16, 8), model__2__weight=(1, 16)),  # a perceptron
        shaped(model__0__weight=(4, 3, 3, 3), model__2__weight=(1, 4, 3, 3)),  # 3x3 kernels
        shaped(model__0__weight=(4, 3, 4, 4), model__2__weight=(3, 4, 4, 4)),  # It ends in an image.
        shaped(model__1__weight=(4, 3, 4, 4), model__2__weight=(1, 4, 4, 4)),  # It does not begin at 0.
        shaped(net__0__weight=(4, 3, 1, 1), net__2__weight=(1, 4, 4, 4)),
        named("model.model.0.weight"),
        shaped(model__model__0__weight=(16, 8), model__model__1__model__1__weight=(4, 16)),
        named("features.0.weight", "classifier.6.weight"),
        named("classifier.0.weight"),
        shaped(features__0__weight=(64, 1, 3, 3), features__2__weight=(64, 64, 3, 3)),  # not of RGB images
    ],
)
def test_a_name_that_many_networks_have_is_not_enough(tensors):
    assert recognize(tensors) is None


def test_the_full_size_networks_are_recognized(reference_keys):
    headings = {
        "AdaINGen": "generators of MUNIT",
        "MsImageDis": "a discriminator of MUNIT or UNIT",
        "VAEGen": "generators of UNIT",
        "resnet_9blocks": "generators of CycleGAN",
        "resnet_6blocks": "generators of CycleGAN",
        "D": "a patch discriminator (CycleGAN, CUT or pix2pix)",
    }
    for heading, title in headings.items():
        tensors = {name: torch.empty(shape, device="meta") for name, shape in reference_keys(heading).items()}
        assert recognize(tensors).title == title


@pytest.fixture
def refusal(load):
    def refused(method, path):
        with pytest.raises(CheckpointError) as caught:
            load(method, path)
        return str(caught.value), caught.value.hint

    return refused


@pytest.fixture
def optimizer(tmp_path):
    """The optimizers' state as MUNIT's program saves it."""
    weight = torch.nn.Parameter(torch.ones(3))
    adam = torch.optim.Adam([weight])
    weight.square().sum().backward()
    adam.step()
    torch.save({"gen": adam.state_dict(), "dis": adam.state_dict()}, tmp_path / "optimizer.pt")
    return tmp_path / "optimizer.pt"


@pytest.mark.parametrize("method", ["munit", "unit"])
def test_the_error_for_a_discriminator_names_the_file_of_the_generators(refusal, golden, method):
    message, hint = refusal(method, golden / method / "dis_00000001.pt")
    assert "this file holds a discriminator of MUNIT or UNIT" in message
    assert hint.endswith(str(golden / method / "gen_00000001.pt"))


def test_the_error_for_a_patch_discriminator_names_the_file_of_the_generator(refusal, golden):
    message, hint = refusal("cyclegan", golden / "cyclegan" / "latest_net_D_A.pth")
    assert "this file holds a patch discriminator" in message
    assert hint.endswith("latest_net_G_A.pth")


@pytest.mark.parametrize(("name", "title"), [("D", "a patch discriminator"), ("F", "the projections of CUT")])
def test_the_error_for_another_network_of_cut_names_the_file_of_the_generator(refusal, golden, name, title):
    message, hint = refusal("cut", golden / "cut" / f"latest_net_{name}.pth")
    assert f"this file holds {title}" in message
    assert hint.endswith("latest_net_G.pth")


def test_the_error_for_an_optimizer_names_the_newest_file_of_generators(refusal, optimizer):
    message, hint = refusal("munit", optimizer)
    assert "this file holds the state of an optimizer, not a generator of munit" in message
    assert "gen_*.pt" in hint
    for number in (1, 20000, 300):
        optimizer.with_name(f"gen_{number:08d}.pt").touch()
    assert refusal("munit", optimizer)[1].endswith("gen_00020000.pt")


@pytest.mark.parametrize(
    ("method", "other", "file"),
    [
        ("munit", "unit", "unit/gen_00000001.pt"),
        ("unit", "munit", "munit/gen_00000001.pt"),
        ("cyclegan", "munit", "munit/gen_00000001.pt"),
        ("munit", "cyclegan", "cyclegan/latest_net_G_A.pth"),
        ("cyclegan", "cut", "cut/latest_net_G.pth"),
        ("cut", "cyclegan", "cyclegan/latest_net_G_A.pth"),
    ],
)
def test_the_error_for_a_model_of_another_method_gives_the_command_for_it(refusal, golden, method, other, file):
    message, hint = refusal(method, golden / file)
    assert f"of {registry.find(other).title}" in message
    assert hint == f"Type `imgxlate translate {other} ... --checkpoint {golden / file}`."


@pytest.mark.parametrize("method", WITH_ORIGINAL_MODELS)
def test_a_checkpoint_of_ours_is_recognized_by_the_method_in_its_header(refusal, golden_model, load, tmp_path, method):
    tensors = load(method, golden_model(method)).tensors()
    checkpoint.write(tmp_path / "x.safetensors", tensors, {"method": "other"})
    message, hint = refusal(method, tmp_path / "x.safetensors")
    assert "this file holds a model of other" in message
    assert "imgxlate translate other" in hint


def test_a_checkpoint_of_ours_without_the_tensors_of_its_method_is_refused(refusal, tmp_path):
    checkpoint.write(tmp_path / "x.safetensors", named("w"), {"method": "munit", "architecture": {}})
    assert "holds no whole model of munit: its tensors are w" in refusal("munit", tmp_path / "x.safetensors")[0]


@pytest.mark.parametrize("method", TRANSLATING)
def test_an_unknown_file_is_refused_with_the_names_of_its_first_tensors(refusal, tmp_path, method):
    torch.save(named("encoder.weight", "b", "c", "d"), tmp_path / "x.pt")
    message, hint = refusal(method, tmp_path / "x.pt")
    assert f"holds an unknown network, not a generator of {method}: " in message
    assert "its tensors are encoder.weight, b, c, ..." in message
    assert method in hint


def test_a_u_net_is_a_model_of_cyclegan(refusal, tmp_path):
    torch.save(U_NET, tmp_path / "latest_net_G.pth")
    message, hint = refusal("munit", tmp_path / "latest_net_G.pth")
    assert "a U-Net generator" in message
    assert "imgxlate translate cyclegan" in hint


def test_the_hint_is_general_if_there_is_no_other_file(refusal, tmp_path):
    torch.save(named("autoencoder_a.style_encoder.model.0.layers.conv.weight"), tmp_path / "latest_net_G.pth")
    message, hint = refusal("munit", tmp_path / "latest_net_G.pth")
    assert "a model of imaginaire's MUNIT" in message
    assert "a fully connected layer of its own" in hint
    assert hint.endswith("gen_*.pt of NVlabs/MUNIT.")


@pytest.mark.parametrize("name", ["discriminator.pth", "net_D.pth", "gen_00000001.pt"])
def test_the_file_that_was_given_is_never_proposed(refusal, optimizer, name):
    torch.save(PATCHES, optimizer.with_name(name))
    assert str(optimizer.with_name(name)) not in refusal("cyclegan", optimizer.with_name(name))[1]
    renamed = optimizer.rename(optimizer.with_name("gen_00000002.pt"))
    assert str(renamed) not in refusal("munit", renamed)[1]
