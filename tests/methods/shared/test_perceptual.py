"""The domain-invariant perceptual loss over a VGG network."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from imgxlate.config import overridden
from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError
from imgxlate.methods.shared.config import PerceptualConfig
from imgxlate.methods.shared.perceptual import PerceptualLoss

CODE = {"layer": "relu5_3", "pool4": False}
PAPER = {"layer": "relu4_3", "pool4": True}
variants = pytest.mark.parametrize("variant", [CODE, PAPER])


@pytest.fixture
def load(vgg19):
    return lambda changes=(): PerceptualLoss.load(overridden(PerceptualConfig(), dict(changes)), vgg19, DataConfig())


@pytest.fixture
def images():
    return torch.rand(2, 3, 48, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def compared(loss, fakes, sources):
    """The loss of `fakes` of A against the images of B that they were translated from, and of B the other way round."""
    found = loss({"A": fakes, "B": fakes}, {"A": sources, "B": sources})
    assert found["A"] == pytest.approx(found["B"].item(), rel=1e-4)
    return found["A"]


def test_the_default_is_the_originals_code():
    config = PerceptualConfig()
    assert {"layer": config.layer, "pool4": config.pool4} == CODE


@variants
def test_only_different_images_have_a_loss(load, images, variant):
    losses = load(variant)({"A": images, "B": images}, {"A": images.flip(0), "B": images})
    assert losses["A"] == 0  # the fakes of A equal the images of B
    assert losses["B"] > 0.01


@variants
def test_only_the_fakes_have_a_gradient(load, images, variant):
    fakes, sources = images.clone().requires_grad_(), images.flip(0).requires_grad_()
    load(variant)({"A": fakes, "B": fakes}, {"A": sources, "B": sources})["A"].backward()
    assert fakes.grad.abs().sum() > 0
    assert sources.grad is None


def test_batches_do_not_affect_each_other(load, images):
    loss, sources = load(), images.flip(0)
    (fake_a, fake_b), (image_b, image_a) = images.split(1), sources.split(1)
    together = loss({"A": fake_a, "B": fake_b}, {"A": image_a, "B": image_b})
    assert together["A"] == pytest.approx(compared(loss, fake_a, image_b).item(), rel=1e-4)
    assert together["B"] == pytest.approx(compared(loss, fake_b, image_a).item(), rel=1e-4)
    mean = (together["A"] + together["B"]) / 2
    assert mean.item() == pytest.approx(compared(loss, images, sources).item(), rel=1e-4)


def test_the_fourth_pooling_changes_the_loss(load, images):
    losses = [compared(load({"pool4": pool4}), images, images.flip(0)) for pool4 in (False, True)]
    assert not torch.allclose(*losses, rtol=0.01)


@pytest.mark.parametrize(
    ("variant", "side"), [(CODE, 16), (PAPER, 16), ({"pool4": True}, 32), ({"layer": "relu1_1"}, 2)]
)
def test_the_smallest_side_leaves_two_positions(load, variant, side):
    loss = load(variant)
    assert loss.smallest_side == side
    small = torch.rand(1, 3, side, side)
    assert torch.isfinite(compared(loss, small, small.flip(3)))


def test_the_layer_and_the_convention_can_be_chosen(load, images):
    caffe, other = (compared(load(changes), images, images.flip(0)) for changes in ({}, {"convention": "torchvision"}))
    assert not torch.allclose(caffe, other, rtol=0.01)
    with pytest.raises(UsageError, match="relu5_9"):
        load({"layer": "relu5_9"})


def test_its_features_are_never_less_precise_than_float32(load, images):
    losses = {}
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        loss = load()
        loss.place(torch.device("cpu"), dtype, compiled=False)
        losses[dtype] = compared(loss, images, images.flip(0))
    assert torch.equal(losses[torch.bfloat16], losses[torch.float32])
    assert losses[torch.float64].dtype == torch.float64


def test_it_is_the_mean_squared_difference_of_normalized_features(load, images, vgg19):
    def features(images):
        levels = (images.double() + 1) * 127.5
        x = levels[:, [2, 1, 0]] - torch.tensor([103.939, 116.779, 123.68]).double().view(3, 1, 1)  # blue, green, red
        for block, depth in enumerate((2, 2, 4, 4, 3), 1):
            for number in range(1, depth + 1):
                name = f"conv{block}_{number}"
                weight = vgg19.tensors[f"{name}.table"].double()[vgg19.tensors[f"{name}.indices"].long()]
                x = functional.conv2d(x, weight, vgg19.tensors[f"{name}.bias"].double(), padding=1).relu()
            if block < 4:
                x = functional.max_pool2d(x, 2)
        return nn.InstanceNorm2d(512)(x)

    loss, sources = load(), images.flip(0)
    loss.place(torch.device("cpu"), torch.float64, compiled=False)
    expected = nn.MSELoss()(features(images), features(sources))
    assert compared(loss, images.double(), sources.double()).item() == pytest.approx(expected.item(), rel=1e-6)


def test_images_of_other_channels_are_seen_in_gray_or_false_colors(vgg19):
    data = DataConfig(channels_a=1, channels_b=5, shown_b=(4, 2, 0))
    loss = PerceptualLoss.load(PerceptualConfig(), vgg19, data)
    in_color = PerceptualLoss.load(PerceptualConfig(), vgg19, DataConfig())
    generator = torch.Generator().manual_seed(0)
    fakes, images = (
        {"A": torch.rand(1, 1, 32, 32, generator=generator), "B": torch.rand(1, 5, 32, 32, generator=generator)}
        for _ in "ab"
    )
    shown = {"A": [0, 0, 0], "B": [4, 2, 0]}
    found = loss(fakes, images)
    expected = in_color(
        *({domain: batch[:, shown[domain]] for domain, batch in each.items()} for each in (fakes, images))
    )
    assert found == expected
