"""The discriminator that also judges features of VGG-19."""

import pytest
import torch
from torch import nn

from imgxlate import checkpoint
from imgxlate.errors import UsageError
from imgxlate.nn import vgg_files
from imgxlate.nn.feature_discriminator import LAYERS, FeatureDiscriminator
from imgxlate.nn.initialization import seeded
from imgxlate.nn.vgg import CONVENTIONS, Vgg
from imgxlate.paths import assets_dir


class Mean(nn.Module):
    """Scores an image by its mean."""

    def forward(self, x):
        return [x.mean((1, 2, 3), keepdim=True)]


@pytest.fixture(scope="module")
def network():
    return vgg_files.load(checkpoint.read(assets_dir() / "vgg19.safetensors"))


def discriminator(network, shown=None):
    with seeded(0):
        return FeatureDiscriminator(Mean(), network, shown)


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_the_scores_are_those_of_pixels_then_a_map_of_each_layer(network):
    x = images(2, 3, 64, 48)
    pixels, *features = discriminator(network)(x)
    assert torch.equal(pixels, x.mean((1, 2, 3), keepdim=True))
    assert [tuple(scores.shape) for scores in features] == [
        (2, 1, 2, 2),
        (2, 1, 4, 3),
        (2, 1, 8, 6),
        (2, 1, 16, 12),
        (2, 1, 32, 24),
    ]


@torch.no_grad()  # Otherwise the estimates of spectral norms advance.
def test_the_deepest_scores_see_nothing_of_the_finer_layers(network, monkeypatch):
    judge, x = discriminator(network), images(1, 3, 32, 32)
    before = judge(x)
    extract = type(network).forward

    def without_first_layer(vgg, images, layers):
        found = extract(vgg, images, layers)
        return found | {LAYERS[0]: torch.flip(found[LAYERS[0]], (2,))}

    monkeypatch.setattr(type(network), "forward", without_first_layer)
    after = judge(x)
    assert [torch.equal(*pair) for pair in zip(before, after, strict=True)] == [True] * 5 + [False]


@torch.no_grad()  # Otherwise the estimates of spectral norms advance.
def test_the_images_of_a_batch_are_judged_one_by_one(network):
    judge = discriminator(network)
    bright, dark = images(1, 3, 32, 32), images(1, 3, 32, 32, seed=1) * 0.1
    together = judge(torch.cat([bright, dark]))
    for index, image in enumerate((bright, dark)):
        for scores, alone in zip(together, judge(image), strict=True):
            assert torch.allclose(scores[index : index + 1], alone, atol=1e-5)


def test_every_score_has_a_gradient_by_the_image(network):
    judge, x = discriminator(network), images(1, 3, 32, 32).requires_grad_()
    for scores in judge(x):
        (gradient,) = torch.autograd.grad(scores.sum(), x, retain_graph=True)
        assert gradient.abs().sum() > 0


@torch.no_grad()  # Otherwise the estimates of spectral norms advance.
def test_the_features_of_other_channels_are_those_of_the_shown_ones(network):
    x = images(1, 5, 32, 32)
    _, *found = discriminator(network, (4, 0, 2))(x)
    _, *expected = discriminator(network)(x[:, [4, 0, 2]])
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


def test_another_network_than_vgg19_is_refused():
    convolutions = {"conv1_1": (torch.rand(4, 3, 3, 3), torch.zeros(4))}
    with pytest.raises(UsageError, match="relu1_2"):
        FeatureDiscriminator(Mean(), Vgg(convolutions, CONVENTIONS["caffe"]))
