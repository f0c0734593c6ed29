"""Training steps of CUT as the training loop takes them."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from imgxlate.config import overridden
from imgxlate.data.batch import Batch
from imgxlate.methods.cut.config import PRESETS
from imgxlate.methods.cut.training import CutTraining
from imgxlate.methods.protocol import StepContext

ALONE = SimpleNamespace(rank=0, size=1, average=lambda tensors: None, gather=lambda tensor: tensor)


@pytest.fixture
def context():
    """The circumstances of a step; `group` is the processes, by default one alone."""

    def build(step, group=ALONE, choices=None):
        return StepContext(step, lambda shape: torch.zeros(1, *shape), choices or random.Random(f"step {step}"), group)

    return build


@pytest.fixture
def batch():
    """Images that follow from `seed`, `size` of each domain."""

    def draw(seed, size=1, side=32):
        generator = torch.Generator().manual_seed(seed)
        a, b = (torch.rand(size, 3, side, side, generator=generator) * 2 - 1 for _ in "ab")
        return Batch(a, b, (Path("a.png"),) * size, (Path("b.png"),) * size)

    return draw


@pytest.fixture
def train():
    """A small training with `changes` to its configuration, placed on the CPU."""

    def build(dtype=torch.float32, *, compiled=False, **changes):
        small = {"gen.ngf": 4, "ndf": 4, "nce_dim": 8, "n_patches": 16, "data.crop_height": 32, "data.crop_width": 32}
        config = overridden(PRESETS["tiny"], small | {key.replace("__", "."): value for key, value in changes.items()})
        training = CutTraining.create(config, None)
        training.place(torch.device("cpu"), dtype, compiled=compiled)
        return training

    return build
