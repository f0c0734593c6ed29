"""CycleGAN's and pix2pix' U-Net generators in files."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.cyclegan.config import PRESETS, CycleganConfig
from imgxlate.methods.cyclegan.networks import Unet
from imgxlate.methods.cyclegan.training import CycleganTraining
from imgxlate.methods.protocol import Staged, Translator

KINDS = {"instance": True, "instance_affine": True, "batch": False, "none": False}


def config(norm="instance", depth=7):
    return CycleganConfig(network="unet", ngf=4, n_downsampling=depth, norm=norm, bias=KINDS[norm])


def weights(own):
    generator = torch.Generator().manual_seed(0)
    drawn = {name: torch.rand(tensor.shape, generator=generator) for name, tensor in Unet(own).state_dict().items()}
    return {name: torch.tensor(0) if "num_batches" in name else tensor for name, tensor in drawn.items()}


@pytest.fixture
def saved(tmp_path):
    def save(tensors, name="latest_net_G_A.pth"):
        torch.save(tensors, tmp_path / name)
        return tmp_path / name

    return save


@pytest.mark.parametrize("depth", [7, 8])
@pytest.mark.parametrize("norm", KINDS)
def test_width_depth_and_norm_are_read_off_the_weights(load, saved, norm, depth):
    own = config(norm, depth)
    model = load("cyclegan", saved(weights(own)))
    assert model.config == own
    assert (model.stride, model.minimum_side, model.targets) == (2**depth, 2**depth, ("B",))
    assert all(torch.equal(model.tensors()[f"G_A.{name}"], tensor) for name, tensor in weights(own).items())


def test_it_is_a_translator_that_is_not_computed_in_bands(load, saved):
    model = load("cyclegan", saved(weights(config())))
    assert isinstance(model, Translator)
    assert isinstance(model, registry.implementation(registry.find("cyclegan")))
    assert not isinstance(model, Staged)
    model.place(torch.device("cpu"), torch.bfloat16)
    with torch.inference_mode():
        [image] = model.translate(torch.zeros(1, 3, 128, 256), "B", None)
    assert image.shape == (1, 3, 128, 256)


def test_other_names_and_an_order_by_name_make_no_difference(load, saved):
    own = weights(config("batch"))
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in own))
    names = {module: f"layer{number}" for number, module in enumerate(modules)}
    renamed = {f"{names[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": tensor for name, tensor in own.items()}
    for tensors in (renamed, dict(sorted(renamed.items())), dict(sorted(own.items()))):
        model = load("cyclegan", saved(tensors))
        assert all(torch.equal(model.tensors()[f"G_A.{name}"], tensor) for name, tensor in own.items())


def test_a_model_of_ours_is_read_back(load, saved, tmp_path):
    model = load("cyclegan", saved(weights(config())))
    header = {"method": "cyclegan", "architecture": dataclasses.asdict(model.config), "domains": ["x", "y"]}
    checkpoint.write(tmp_path / "model.safetensors", model.tensors(), header)
    assert load("cyclegan", tmp_path / "model.safetensors").config == model.config


def test_it_is_written_as_the_originals_file(load, saved):
    own = weights(config())
    [(name, tensors)] = load("cyclegan", saved(own)).original_files(None).items()
    assert name == "latest_net_G_A.pth"
    assert list(tensors) == list(own)


def test_the_options_of_the_original_are_checked(load, saved):
    file = saved(weights(config()))
    assert load("cyclegan", file, {"netG": "unet_128", "norm": "instance", "no_dropout": False}).config == config()
    with pytest.raises(CheckpointError, match="n_downsampling is 7 in the checkpoint, but 8"):
        load("cyclegan", file, {"netG": "unet_256"})


def test_an_incomplete_u_net_is_refused_with_the_layer_that_it_lacks(load, saved):
    own = weights(config())
    del own["model.model.3.weight"], own["model.model.3.bias"]
    with pytest.raises(CheckpointError, match=r"where CycleGAN has a|it lacks a"):
        load("cyclegan", saved(own))


def test_it_cannot_be_trained():
    changed = overridden(PRESETS["tiny"], {"gen.network": "unet"})
    with pytest.raises(UsageError, match="only translate"):
        CycleganTraining.create(changed, None)


def test_an_image_of_any_size_keeps_its_size(run, saved, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 150, 3), np.uint8)).save(tmp_path / "a.png")
    file = saved(weights(config()), "pix2pix.pth")
    done = run("translate", "cyclegan", tmp_path / "a.png", "--checkpoint", file, "-o", tmp_path / "b.png")
    assert done.exit_code == 0, done.stderr
    with Image.open(tmp_path / "b.png") as made:
        assert made.size == (150, 70)
