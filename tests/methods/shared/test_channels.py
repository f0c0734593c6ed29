"""Images with other numbers of channels than three: networks, the originals' files, and training steps."""

import dataclasses
import json
import random
from pathlib import Path

import pytest
import torch
import yaml

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext
from imgxlate.methods.spec import OTHER, TranslatorConfig
from imgxlate.training.distributed import World

METHODS = {
    "munit": "gen_00000001.pt",
    "unit": "gen_00000001.pt",
    "cyclegan": "latest_net_G_A.pth",
    "cut": "latest_net_G.pth",
}


@pytest.fixture
def saved(tmp_path):
    def save(content, name):
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return save


def gray(tensors, *, takes=True, makes=True):
    """The weights of a network in color for gray images: it gives its first channel for a gray input."""
    first = [name for name, t in tensors.items() if t.dim() == 4 and t.shape[1] == 3 and t.shape[2] == 7]
    last = [name for name, t in tensors.items() if t.dim() == 4 and t.shape[0] == 3]
    changed = {name: tensors[name].sum(1, keepdim=True) for name in first if takes}
    if makes:
        for name in last:
            bias = name.replace("weight", "bias")
            changed |= {name: tensors[name][:1], bias: tensors[bias][:1]}
    return {**tensors, **changed}


def outputs(model, images, to):
    codes = torch.zeros(1, model.style_dim) if hasattr(model, "style_dim") else None
    (made,) = model.translate(images, to, codes)
    return made


@pytest.fixture
def options(golden):
    def read(method):
        if method in ("munit", "unit"):
            stated = yaml.safe_load((golden / method / "config.yaml").read_text())
            return stated | {"input_dim_a": 1, "input_dim_b": 1}
        return json.loads((golden / method / "options.json").read_text()) | {"input_nc": 1, "output_nc": 1}

    return read


@pytest.mark.parametrize("method", METHODS)
def test_an_originals_gray_file_gives_the_originals_values(load, golden, saved, options, method):
    """The original in color gives the golden images. Its weights are summed up for gray images, which it saw as RGB."""
    file = golden / method / METHODS[method]
    content = torch.load(file, weights_only=True)
    changed = {key: gray(part) for key, part in content.items()} if "a" in content else gray(content)
    in_color = load(method, file, {})
    in_gray = load(method, saved(changed, METHODS[method]), options(method))
    assert (in_gray.config.channels_a, in_gray.config.channels_b) == (1, 1)
    images = torch.rand(2, 1, 32, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    expected = outputs(in_color, images.expand(-1, 3, -1, -1), "B")[:, :1]
    assert (outputs(in_gray, images, "B") - expected).abs().max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_a_configuration_with_other_channels_than_the_weights_is_refused(load, golden, options, method):
    with pytest.raises(CheckpointError, match="channels_a is 3 in the checkpoint, but 1"):
        load(method, golden / method / METHODS[method], options(method))


def test_the_generator_of_the_other_direction_takes_the_channels_of_b(load, golden, saved):
    content = torch.load(golden / "cyclegan" / "latest_net_G_B.pth", weights_only=True)
    model = load("cyclegan", saved(gray(content, makes=False), "latest_net_G_B.pth"), {})
    assert (model.config.channels_a, model.config.channels_b, model.targets) == (3, 1, ("A",))


TRAINED = {"munit": (1, 4), "unit": (5, 1), "cyclegan": (1, 2), "cut": (4, 4)}


def trained(method, channels, **changes):
    """A training for images with so many channels, and the images of a step."""
    spec = registry.find(method)
    config = spec.training.presets["tiny"]
    gen = dataclasses.replace(config.gen, channels_a=channels[0], channels_b=channels[1])
    if method == "cyclegan" and channels[0] != channels[1]:
        changes = {"lambda_identity": 0.0, **changes}
    training = registry.trainable(spec).create(dataclasses.replace(config, gen=gen, **changes), None)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(1, count, 64, 64, generator=generator) * 2 - 1 for count in channels)
    return training, Batch(a, b, (), ())


@pytest.mark.parametrize("method", TRAINED)
def test_a_step_and_a_translation_work_with_different_channels(method):
    training, batch = trained(method, TRAINED[method])
    noise = torch.Generator().manual_seed(0)
    context = StepContext(0, lambda shape: torch.randn(1, *shape, generator=noise), random.Random(0), World(0, 1))
    losses = training.train_step(batch, context)
    assert all(bool(torch.isfinite(loss)) for loss in losses.values())
    header = {"method": method, "architecture": dataclasses.asdict(training.architecture())}
    weights = {name: tensor.detach() for name, tensor in training.generators().items()}
    model = registry.implementation(registry.find(method)).from_checkpoint(Checkpoint(Path("x"), weights, header), {})
    assert isinstance(model.config, TranslatorConfig)
    for to in model.targets:
        source = batch.a if to == "B" else batch.b
        made = outputs(model, source, to)
        assert made.shape[1] == model.config.channels(to) == TRAINED[method]["AB".index(to)]
        assert source.shape[1] == model.config.channels(OTHER[to])


def test_the_identity_loss_needs_the_same_channels():
    with pytest.raises(UsageError, match="identity loss needs images of the same number") as caught:
        trained("cyclegan", (1, 2), lambda_identity=0.5)
    assert "lambda_identity=0" in caught.value.hint


def test_cut_needs_the_same_channels_and_names_methods_that_do_not():
    with pytest.raises(UsageError, match="CUT needs images of the same number") as caught:
        trained("cut", (1, 3))
    assert "cyclegan" in caught.value.hint
