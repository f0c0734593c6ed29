"""Golden models, and pictures as the methods take them."""

import numpy as np
import pytest
import torch
import yaml

from imgxlate import checkpoint
from imgxlate.images.decode import decode
from imgxlate.images.tensors import to_tensor
from imgxlate.methods import registry


@pytest.fixture
def load():
    """Load a model of a method from a file, as the engine does."""

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
def picture(golden):
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
