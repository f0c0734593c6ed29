"""Golden models, images as the methods take them, and training steps as the training loop takes them."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data.batch import Batch
from imgxlate.images.decode import decode
from imgxlate.images.tensors import to_tensor
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext
from imgxlate.paths import assets_dir

ALONE = SimpleNamespace(rank=0, size=1, average=lambda tensors: None, gather=lambda tensor: tensor)


@pytest.fixture
def load():
    """Load a model of a method from a file, as every command does."""

    def build(method, path, options=None):
        return registry.implementation(registry.find(method)).from_checkpoint(checkpoint.read(path), options or {})

    return build


@pytest.fixture
def options(golden):
    """The original's yaml of a method."""
    return lambda method: yaml.safe_load((golden / method / "config.yaml").read_text())


@pytest.fixture
def forward(golden):
    """What the original gave, by name, as tensors."""

    def read(method):
        with np.load(golden / method / "forward.npz") as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays}

    return read


@pytest.fixture
def golden_image(golden):
    """A golden input as (1, 3, H, W) in [-1, 1]."""
    return lambda method, name: to_tensor(decode(golden / method / f"{name}.png").rgb)


@pytest.fixture
def reference_keys(golden):
    """The keys and shapes of an original's full-size network, by the heading of the list."""

    def read(heading):
        lines = iter((golden / "state-dict-keys.txt").read_text().splitlines())
        found = {}
        for line in lines:
            if line.startswith("## "):
                current = line.split()[1]
            elif current == heading and line.startswith("   "):
                name, _, shape = line.strip().partition(" ")
                found[name] = tuple(int(side) for side in shape.strip("()").split(",") if side)
        return found

    return read


@pytest.fixture
def vgg19():
    """The feature network in the package."""
    return checkpoint.read(assets_dir() / "vgg19.safetensors")


@pytest.fixture
def begin():
    """A training of MUNIT or UNIT, small unless `changes` say otherwise, placed on the CPU."""

    def build(method, changes=(), *, features=None, dtype=torch.float32, compiled=False):
        spec = registry.find(method)
        small = {"data.crop_height": 32, "data.crop_width": 32}
        config = overridden(spec.training.presets["tiny"], small | dict(changes))
        training = registry.trainable(spec).create(config, features)
        training.place(torch.device("cpu"), dtype, compiled=compiled)
        return training

    return build


@pytest.fixture
def advance():
    """Take the training step number `step`, on images and noise that follow from it; returns the losses."""

    def take(training, step=0, *, size=1, noise=None, group=ALONE):
        generator = torch.Generator().manual_seed(step)
        data = training.config.data
        shape = (size, 3, data.crop_height, data.crop_width)
        a, b = (torch.rand(shape, generator=generator) * 2 - 1 for _ in "ab")
        draw = noise or (lambda shape: torch.randn(size, *shape, generator=generator))
        return training.train_step(Batch(a, b, (), ()), StepContext(step, draw, random.Random(step), group))

    return take
