"""The U-Net generator computes what torch's own layers compute, under the originals' names."""

import itertools

import pytest
import torch
from torch import nn

from imgxlate.nn.norms import set_norm_statistics
from imgxlate.nn.unet import UnetGenerator


class Nested(nn.Module):
    """A U-Net as a plain stack of torch's own layers, whose inner part is appended to its input."""

    def __init__(self, *layers):
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return torch.cat([x, self.model(x)], 1)


def reference(norm, *, bias, ngf, depth):
    widths = [ngf * min(2**step, 8) for step in range(depth)]
    block = None
    for outer, inner in reversed(list(itertools.pairwise(widths))):
        middle = [norm(inner), block] if block else []
        up = nn.ConvTranspose2d(2 * inner if block else inner, outer, 4, 2, 1, bias=bias)
        block = Nested(
            nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=bias), *middle, nn.ReLU(), up, norm(outer)
        )
    first, last = nn.Conv2d(3, ngf, 4, 2, 1, bias=bias), nn.ConvTranspose2d(2 * ngf, 3, 4, 2, 1)
    network = nn.Module()
    network.model = nn.Module()
    network.model.model = nn.Sequential(first, block, nn.ReLU(), last, nn.Tanh())
    return network.eval()


@pytest.mark.parametrize("depth", [5, 7])
@pytest.mark.parametrize(
    ("kind", "norm", "bias"), [("instance", nn.InstanceNorm2d, True), ("batch", nn.BatchNorm2d, False)]
)
def test_the_image_is_that_of_torchs_layers_with_the_same_names(kind, norm, bias, depth):
    torch.manual_seed(0)
    theirs = reference(norm, bias=bias, ngf=2, depth=depth)
    ours = UnetGenerator(2, n_downsampling=depth, norm=kind, bias=bias).eval()
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(1, 3, 2**depth, 2 ** (depth + 1)) * 2 - 1
    with torch.inference_mode():
        # The originals' test programs stay in training mode unless `--eval` is given (test.py).
        expected = {"image": theirs.train().model.model(image), "running": theirs.eval().model.model(image)}
        ours.load_state_dict(theirs.state_dict())  # The running statistics have changed in training mode.
        for statistics in ("image", "running"):
            set_norm_statistics(ours, statistics)
            assert torch.allclose(ours(image), expected[statistics], atol=1e-5)


def test_by_default_norms_use_the_statistics_of_the_image():
    network = UnetGenerator(2, n_downsampling=5, norm="batch", bias=False).eval()
    image = torch.rand(1, 3, 32, 64) * 2 - 1
    with torch.inference_mode():
        by_default = network(image)
        set_norm_statistics(network, "image")
        assert torch.equal(network(image), by_default)
        set_norm_statistics(network, "running")
        assert not torch.allclose(network(image), by_default, atol=1e-3)


def test_the_names_are_the_originals():
    names = list(UnetGenerator(2, n_downsampling=3, norm="batch", bias=False).state_dict())
    inside = "model.model.1.model"
    assert [name for name in names if name.endswith("weight")] == [
        "model.model.0.weight",
        f"{inside}.1.weight",
        f"{inside}.2.weight",
        f"{inside}.3.model.1.weight",
        f"{inside}.3.model.3.weight",
        f"{inside}.3.model.4.weight",
        f"{inside}.5.weight",
        f"{inside}.6.weight",
        "model.model.3.weight",
    ]


def test_the_sides_are_multiples_of_the_stride():
    network = UnetGenerator(1, n_downsampling=8, norm="instance", bias=True)
    assert (network.stride, network.minimum_side) == (256, 256)
