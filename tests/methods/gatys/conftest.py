import pytest
import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.checkpoint import Checkpoint
from imgxlate.paths import assets_dir


@pytest.fixture(scope="session")
def features() -> Checkpoint:
    """The feature network that ships with the package."""
    return checkpoint.read(assets_dir() / "vgg19.safetensors")


def smooth_image(seed: int, height: int, width: int) -> Tensor:
    """Colored blobs (1, 3, height, width) in [-1, 1]."""
    coarse = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")


@pytest.fixture(scope="session")
def content() -> Tensor:
    return smooth_image(1, 48, 64)


@pytest.fixture(scope="session")
def style() -> Tensor:
    return smooth_image(2, 70, 60)
