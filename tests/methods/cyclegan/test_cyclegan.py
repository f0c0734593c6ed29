"""CycleGAN against what the original gave, and against torch's own layers for every variant of its generator."""

import dataclasses
import json
from collections import OrderedDict

import pytest
import torch
from torch import nn

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.tensors import from_tensor
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import Generator
from imgxlate.methods.protocol import Translator

CPU = torch.device("cpu")


@pytest.fixture
def file(golden):
    return golden / "cyclegan" / "latest_net_G_A.pth"


@pytest.fixture
def options(golden):
    return json.loads((golden / "cyclegan" / "options.json").read_text())


@pytest.fixture
def model(load, file, options):
    loaded = load("cyclegan", file, options)
    loaded.place(CPU, torch.float32)
    return loaded


@pytest.fixture
def content(file):
    return torch.load(file, weights_only=True)


@pytest.fixture
def saved(tmp_path):
    def save(tensors, name="horse2zebra.pth"):
        torch.save(tensors, tmp_path / name)
        return tmp_path / name

    return save


def translated(model, images, to):
    (made,) = model.translate(images, to, None)
    return made


class Skip(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


def reference(norm, *, bias, dropout, blocks=2, ngf=4):
    """The generator as a plain stack of torch's own layers."""

    def block(width):
        shift = [nn.Dropout(0.5)] if dropout else []
        first = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), norm(width), nn.ReLU(), *shift]
        return Skip(*first, nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), norm(width))

    def up(width):
        return nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1, bias=bias)

    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7, bias=bias), norm(ngf), nn.ReLU()]
    for width in (2 * ngf, 4 * ngf):
        layers += [nn.Conv2d(width // 2, width, 3, stride=2, padding=1, bias=bias), norm(width), nn.ReLU()]
    layers += [block(4 * ngf) for _ in range(blocks)]
    for width in (4 * ngf, 2 * ngf):
        layers += [up(width), norm(width // 2), nn.ReLU()]
    model = nn.Module()
    model.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())
    for tensor in model.state_dict().values():
        if tensor.dim() == 1 and tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)
    return model.eval()


VARIANTS = {
    "instance": (nn.InstanceNorm2d, True, False),
    "instance with dropout": (nn.InstanceNorm2d, True, True),
    "instance_affine": (lambda width: nn.InstanceNorm2d(width, affine=True), True, False),
    "batch": (nn.BatchNorm2d, False, False),
    "batch with dropout": (nn.BatchNorm2d, False, True),
    "none": (lambda width: nn.Identity(), False, False),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_read_off_the_weights_and_computes_the_same_as_torch_layers(load, saved, variant):
    norm, bias, dropout = VARIANTS[variant]
    torch.manual_seed(0)
    original = reference(norm, bias=bias, dropout=dropout)
    model = load("cyclegan", saved(original.state_dict()))
    kind = variant.partition(" ")[0]
    assert model.config == CycleganConfig(ngf=4, n_blocks=2, norm=kind, bias=bias, dropout=dropout)
    image = torch.rand(1, 3, 16, 20) * 2 - 1
    assert model.set_norm_statistics("running") == (kind == "batch")
    with torch.inference_mode():
        assert torch.allclose(translated(model, image, "B"), original.model(image), atol=1e-5)


def test_batch_norms_use_the_statistics_of_the_image_as_the_originals_test_program(load, saved):
    """That program leaves the networks in training mode, and translates one image at a time."""
    torch.manual_seed(0)
    original = reference(nn.BatchNorm2d, bias=False, dropout=False)
    model = load("cyclegan", saved(original.state_dict()))
    images = torch.rand(2, 3, 16, 20) * 2 - 1
    with torch.inference_mode():
        expected = torch.cat([original.train().model(image[None]) for image in images])
        assert torch.allclose(translated(model, images, "B"), expected, atol=1e-5)
        assert not torch.allclose(expected, original.eval().model(images), atol=0.1)


def test_it_is_a_translator(model):
    assert isinstance(model, Translator)
    assert (model.targets, model.stride, model.minimum_side) == (("B", "A"), 4, 8)


@pytest.mark.parametrize(("heading", "blocks"), [("resnet_9blocks", 9), ("resnet_6blocks", 6)])
def test_the_keys_and_shapes_are_the_originals(reference_keys, heading, blocks):
    with torch.device("meta"):
        full_size = Generator(CycleganConfig(n_blocks=blocks)).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in full_size.items()} == reference_keys(heading)


@pytest.mark.parametrize(("to", "name", "source"), [("B", "a2b", "a"), ("A", "b2a", "b")])
def test_the_image_equals_that_of_the_original(model, golden_image, forward, golden, to, name, source):
    made = translated(model, golden_image("cyclegan", source), to)
    assert (made - forward("cyclegan")[name]).abs().max() < 1e-4
    assert abs(from_tensor(made).astype(int) - decode(golden / "cyclegan" / f"{name}.png").rgb).max() <= 1


def test_batches_equal_singles(model, golden_image):
    batch = torch.cat([golden_image("cyclegan", "a"), golden_image("cyclegan", "b")])
    singles = torch.cat([translated(model, image[None], "B") for image in batch])
    assert (translated(model, batch, "B") - singles).abs().max() < 3e-5  # Rounding differs between processors.


def test_bfloat16_stays_within_two_gray_levels(model, golden_image):
    exact = translated(model, golden_image("cyclegan", "a"), "B")
    model.place(CPU, torch.bfloat16)
    levels = (translated(model, golden_image("cyclegan", "a"), "B") - exact).abs() * 127.5
    assert 0 < levels.max() <= 2
    assert levels.mean() < 0.5


@pytest.mark.parametrize("size", [(8, 8), (8, 20)])
def test_images_with_the_smallest_side_are_accepted(model, size):
    assert translated(model, torch.rand(1, 3, *size), "A").shape == (1, 3, *size)


def test_a_file_of_the_direction_b_to_a_translates_to_a_by_default(load, golden):
    assert load("cyclegan", golden / "cyclegan" / "latest_net_G_B.pth").targets == ("A", "B")


@pytest.mark.parametrize(
    ("names", "targets"),
    [
        (("latest_net_G_A.pth",), ("B",)),
        (("latest_net_G_B.pth",), ("A",)),
        (("gen_AB.pth", "gen_BA.pth"), ("B", "A")),
        (("gen_BA.pth", "gen_AB.pth"), ("A", "B")),
        (("netG_A2B.pth", "netG_B2A.pth"), ("B", "A")),
        (("G_BA_100.pth", "G_AB_100.pth"), ("A", "B")),
        (("netG_B2A_epoch_9.pth",), ("A",)),
        (("latest_net_G.pth", "latest_net_D.pth"), ("B",)),
        (("horse2zebra.pth", "zebra2horse.pth"), ("B",)),
    ],
)
def test_the_file_names_show_the_available_directions(load, saved, content, names, targets):
    first, *_ = [saved(content, name) for name in names]
    assert load("cyclegan", first).targets == targets


def test_a_missing_direction_is_refused(load, saved, content, golden_image):
    model = load("cyclegan", saved(content))
    with pytest.raises(UsageError, match="translates to B only"):
        translated(model, golden_image("cyclegan", "a"), "A")


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        (b"<html>", "a web page"),
        (None, "do not fit"),
        (b"PK\x03\x04 half of a file", "damaged"),
    ],
)
def test_an_unusable_file_of_the_other_direction_is_left_out_with_a_note(load, saved, content, beside, reason):
    first = saved(content, "latest_net_G_A.pth")
    other = first.with_name("latest_net_G_B.pth")
    if beside is None:  # a generator of another size
        torch.save(reference(nn.InstanceNorm2d, bias=True, dropout=False).state_dict(), other)
    else:
        other.write_bytes(beside)
    model = load("cyclegan", first)
    assert model.targets == ("B",)
    [note] = model.notes
    assert note.startswith(f"the generator of the other direction is left out: {other}")
    assert reason in note


@pytest.mark.parametrize(
    "names",
    [
        ("G_A.", "G_B."),
        ("netG_A.module.", "netG_B.module."),
        ("G_AB.", "G_BA."),
        ("genA2B.", "genB2A."),
        ("G.", "F."),
        ("netG.", "netF."),
        ("G_XtoY.", "G_YtoX."),
        ("g12.", "g21."),
        ("photo2monet.", "monet2photo."),
        ("G_summer_to_winter.", "G_winter_to_summer."),
        ("G_AB_100.", "G_BA_100."),
    ],
)
def test_both_directions_may_be_in_one_file(load, saved, content, names, model, golden):
    other = torch.load(golden / "cyclegan" / "latest_net_G_B.pth", weights_only=True)
    both = {names[0] + name: tensor for name, tensor in content.items()}
    both |= {names[1] + name: tensor for name, tensor in other.items()}
    loaded = load("cyclegan", saved({"state_dict": both}))
    assert loaded.targets == ("B", "A")
    assert all(torch.equal(loaded.tensors()[name], tensor) for name, tensor in model.tensors().items())


@pytest.mark.parametrize("prefix", ["module.", "model.", "state_dict.netG."])
def test_a_wrapped_generator_is_unwrapped(load, saved, content, model, prefix):
    loaded = load("cyclegan", saved({prefix + name: tensor for name, tensor in content.items()}))
    assert all(torch.equal(model.tensors()[name], tensor) for name, tensor in loaded.tensors().items())


@pytest.mark.parametrize("first", [1, 4, 8, 12, 31, 10**30])
def test_residual_blocks_at_an_impossible_index_are_refused(load, saved, content, first):
    moved = {name.replace("model.10.", f"model.{first}."): tensor for name, tensor in content.items()}
    blocks = {name: tensor for name, tensor in moved.items() if "conv_block" not in name or f"model.{first}." in name}
    with pytest.raises(CheckpointError, match="no whole model of cyclegan"):
        load("cyclegan", saved(blocks))


def test_an_incomplete_generator_is_refused(load, saved, content):
    del content["model.1.weight"]
    with pytest.raises(CheckpointError, match="no whole model of cyclegan"):
        load("cyclegan", saved(content))


def test_generators_without_a_direction_in_their_names_are_refused(load, saved, content):
    both = {f"{prefix}.{name}": tensor for prefix in ("first", "second") for name, tensor in content.items()}
    with pytest.raises(CheckpointError, match="show no direction: first, second") as caught:
        load("cyclegan", saved(both))
    assert "--generator NAME" in caught.value.hint


def test_statistics_of_old_instance_norms_are_dropped(load, saved, content, model, golden_image):
    for name in [name for name in content if name.endswith(".bias") and name != "model.26.bias"]:
        head, number, _ = name.rsplit(".", 2)
        norm = f"{head}.{int(number) + 1}"
        content[f"{norm}.running_mean"] = torch.full_like(content[name], 3)
        content[f"{norm}.running_var"] = torch.full_like(content[name], 7)
        content[f"{norm}.num_batches_tracked"] = torch.tensor(5)
    old = load("cyclegan", saved(content))
    image = golden_image("cyclegan", "a")
    assert (translated(old, image, "B") - translated(model, image, "B")).abs().max() < 1e-5


def test_nearest_upsampling_is_read_off_the_weights_and_leaves_no_checkerboard(load, saved):
    torch.manual_seed(0)
    original = reference(nn.InstanceNorm2d, bias=True, dropout=False)
    layers = list(original.model)
    for place, width in ((15, 8), (12, 16)):  # each a transposed convolution, a norm and an activation
        convolution = nn.Conv2d(width, width // 2, 5)
        double = [nn.Upsample(scale_factor=2), nn.ReflectionPad2d(2), convolution, *layers[place + 1 : place + 3]]
        layers[place : place + 3] = [
            nn.Sequential(OrderedDict(zip(("up", "pad", "conv", "norm", "relu"), double, strict=True)))
        ]
    model = load("cyclegan", saved(nn.ModuleDict({"model": nn.Sequential(*layers)}).state_dict()))
    assert model.config == CycleganConfig(ngf=4, n_blocks=2, upsampling="nearest")
    image = torch.rand(1, 3, 16, 20) * 2 - 1
    with torch.inference_mode():
        assert torch.allclose(translated(model, image, "B"), nn.Sequential(*layers)(image), atol=1e-5)
    with pytest.raises(UsageError, match="upsampling = nearest"):
        model.original_files(None)


@pytest.mark.parametrize("block", ["conv_block", "block"])
def test_a_generator_of_pytorch_gan_with_resize_convolutions_computes_the_same(load, saved, block):
    torch.manual_seed(0)
    layers = list(reference(nn.InstanceNorm2d, bias=True, dropout=False).model)
    for place, width in ((15, 8), (12, 16)):  # each a transposed convolution
        layers[place : place + 1] = [nn.Upsample(scale_factor=2), nn.Conv2d(width, width // 2, 3, padding=1)]
    network = nn.Sequential(*layers)
    tensors = {f"model.{name.replace('conv_block', block)}": tensor for name, tensor in network.state_dict().items()}
    model = load("cyclegan", saved(tensors, "G_BA_100.pth"))
    assert model.config == CycleganConfig(ngf=4, n_blocks=2, upsampling="resize")
    assert model.targets == ("A",)
    assert any("that of PyTorch-GAN" in note for note in model.notes)
    image = torch.rand(1, 3, 16, 20) * 2 - 1
    with torch.inference_mode():
        assert torch.allclose(translated(model, image, "A"), network(image), atol=1e-5)


def test_a_checkpoint_of_ours_is_read_back_with_both_directions(model, load, tmp_path):
    header = {"method": "cyclegan", "architecture": dataclasses.asdict(model.config), "domains": ["horse", "zebra"]}
    checkpoint.write(tmp_path / "model.safetensors", model.tensors(), header)
    again = load("cyclegan", tmp_path / "model.safetensors")
    assert (again.config, again.targets) == (model.config, ("B", "A"))
    assert all(torch.equal(again.tensors()[name], tensor) for name, tensor in model.tensors().items())


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"ngf": 64}, "ngf is 4 in the checkpoint, but 64"),
        ({"netG": "resnet_6blocks"}, "n_blocks is 9 in the checkpoint, but 6"),
        ({"no_dropout": False}, "dropout is False in the checkpoint, but True"),
    ],
)
def test_options_that_contradict_the_weights_are_refused_with_both_values(load, file, stated, message):
    with pytest.raises(CheckpointError, match=message):
        load("cyclegan", file, stated)


@pytest.mark.parametrize(
    "options",
    [
        {"lambda_identity": 0.5, "n_epochs": 100, "gan_mode": "wgangp", "display_id": 1},
        {"results_dir": "./results/", "num_test": 50, "eval": False},  # of the test program
        {"which_model_netG": "resnet_9blocks", "niter": 100, "batchSize": 1},  # of earlier versions
        {"model": "pix2pix", "lambda_L1": 100.0},
    ],
)
def test_options_that_do_not_matter_for_translation_are_accepted(load, file, options):
    assert load("cyclegan", file, options).config == load("cyclegan", file).config


@pytest.mark.parametrize(("key", "meant"), [("norn", "norm"), ("display_size", "display_"), ("gen", "train.py")])
def test_keys_that_are_no_options_of_the_original_are_refused(load, file, key, meant):
    with pytest.raises(UsageError, match=f"unknown key '{key}'") as caught:
        load("cyclegan", file, {key: "batch"})
    assert meant in caught.value.hint


def test_a_norm_that_leaves_no_trace_comes_from_the_options(load, file):
    assert load("cyclegan", file, {"norm": "none", "no_dropout": True}).config.norm == "none"


@pytest.mark.parametrize("odd", [9, ["resnet_9blocks"], None, "resnet_" + "9" * 5000 + "blocks"])
def test_options_that_name_no_generator_are_refused(load, file, odd):
    with pytest.raises(UsageError, match="netG is"):
        load("cyclegan", file, {"netG": odd})


def test_options_with_an_absurd_width_are_refused(load, file):
    with pytest.raises(CheckpointError, match="ngf is 4 in the checkpoint, but a number of thousands of digits"):
        load("cyclegan", file, {"ngf": 16**6000})


def test_options_for_a_u_net_are_refused(load, file):
    with pytest.raises(CheckpointError, match="network is 'resnet' in the checkpoint, but 'unet'"):
        load("cyclegan", file, {"netG": "unet_256"})
