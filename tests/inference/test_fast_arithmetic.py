"""What fp32-fast may change in an image: no value by more than one gray level, but for one in 10,000."""

from pathlib import Path

import numpy as np
import pytest
import torch

import imgxlate
from imgxlate.images.decode import decode
from imgxlate.inference.translation import resized
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import Generator
from imgxlate.nn import algorithms
from imgxlate.nn.precision import fast_arithmetic

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def photograph():
    """A small photograph, (H, W, 3)."""
    return resized(decode(EXAMPLES / "photos" / "china.jpg"), 96).rgb


@pytest.fixture
def always_winograd(monkeypatch):
    """Use Winograd's algorithm wherever it is possible, also where it is slower. Lists the operations."""
    asked = []

    def find(operation, layer):
        asked.append(layer)
        return "winograd"

    monkeypatch.setattr(algorithms.choices, "find", find)
    return asked


def changes(first, second):
    """The changes of all values, in gray levels."""
    return np.abs(np.asarray(first).astype(int) - np.asarray(second).astype(int))


@pytest.mark.parametrize("name", ["munit", "munit-outline2color", "unit", "cyclegan"])
def test_bundled_models(always_winograd, photograph, name):
    images = {}
    for precision in ("fp32", "fp32-fast"):
        model = imgxlate.load(name, device="cpu", precision=precision)
        images[precision] = [image for to in model.targets for image in model.translate(photograph, to=to, n_styles=1)]
        assert bool(always_winograd) == (precision == "fp32-fast")
    changed = changes(images["fp32"], images["fp32-fast"])
    assert (changed > 1).mean() <= 1e-4


@pytest.mark.parametrize(
    ("method", "file"),
    [
        ("munit", "gen_00000001.pt"),
        ("munit", "after/gen_00000003.pt"),
        ("unit", "gen_00000001.pt"),
        ("unit", "after/gen_00000003.pt"),
        ("cyclegan", "latest_net_G_A.pth"),  # Its sibling for the other direction lies beside it.
        ("cyclegan", "after/3_net_G_A.pth"),
    ],
)
def test_the_models_of_the_originals(always_winograd, golden, method, file):
    folder = golden / method
    config = folder / "config.yaml" if (folder / "config.yaml").exists() else None
    images = {}
    for precision in ("fp32", "fp32-fast"):
        model = imgxlate.load(method, checkpoint=folder / file, config=config, device="cpu", precision=precision)
        assert set(model.targets) == {"A", "B"}
        images[precision] = [
            image
            for source, to in (("a.png", "B"), ("b.png", "A"))
            for image in model.translate(folder / source, to=to, n_styles=3 if method == "munit" else 1)
        ]
        assert bool(always_winograd) == (precision == "fp32-fast")
    changed = changes(images["fp32"], images["fp32-fast"])
    assert (changed > 1).mean() <= 1e-4


def test_a_network_of_full_width(always_winograd, photograph):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Generator(CycleganConfig(n_blocks=6)).eval().to(memory_format=torch.channels_last)
    x = torch.from_numpy(photograph[:64, :96]).permute(2, 0, 1)[None] / 127.5 - 1
    levels = []
    for allowed in (False, True):
        with torch.inference_mode(), fast_arithmetic(allowed):
            levels.append(((network(x) + 1) * 127.5).round().numpy())
    assert (changes(*levels) > 1).mean() <= 1e-4
    assert {layer.channels for layer in always_winograd} >= {256}


def test_neural_style_reaches_the_same_loss(always_winograd, photograph):
    losses = {}
    for precision in ("fp32", "fp32-fast"):
        transfer = imgxlate.load_style_transfer(
            size=96, device="cpu", precision=precision, settings={"iterations": 30, "scales": 1}
        )
        reached = []
        transfer.stylize(photograph, photograph[::-1].copy(), on_iteration=reached.append)
        losses[precision] = min(state.losses["total"] for state in reached)
    assert always_winograd
    assert losses["fp32-fast"] == pytest.approx(losses["fp32"], rel=0.03)
