"""The domain-invariant perceptual loss over a VGG network."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from imgxlate.config import overridden
from imgxlate.errors import UsageError
from imgxlate.methods.perception import Perception
from imgxlate.methods.perception_config import PerceptualConfig

CODE = {"layer": "relu5_3", "pool4": False}
PAPER = {"layer": "relu4_3", "pool4": True}
variants = pytest.mark.parametrize("variant", [CODE, PAPER])


@pytest.fixture
def perception(vgg19):
    return lambda changes=(): Perception.load(overridden(PerceptualConfig(), dict(changes)), vgg19)


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 48, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_what_the_originals_code_does_is_the_default():
    config = PerceptualConfig()
    assert {"layer": config.layer, "pool4": config.pool4} == CODE


@variants
def test_equal_pictures_have_no_loss_and_others_have(perception, pictures, variant):
    none, some = perception(variant)([pictures, pictures], [pictures, pictures.flip(0)])
    assert none == 0
    assert some > 0.01


@variants
def test_the_gradient_goes_to_the_made_picture_alone(perception, pictures, variant):
    made, source = pictures.clone().requires_grad_(), pictures.flip(0).requires_grad_()
    perception(variant)([made], [source])[0].backward()
    assert made.grad.abs().sum() > 0
    assert source.grad is None


def test_batches_do_not_touch_each_other(perception, pictures):
    loss, sources = perception(), pictures.flip(0)
    together = loss(pictures.split(1), sources.split(1))
    alone = [loss([made], [source])[0] for made, source in zip(pictures.split(1), sources.split(1), strict=True)]
    assert torch.allclose(torch.stack(together), torch.stack(alone), rtol=1e-4)
    assert torch.allclose(torch.stack(together).mean(), loss([pictures], [sources])[0], rtol=1e-4)


def test_the_pooling_counts(perception, pictures):
    sources = pictures.flip(0)
    losses = [perception({"pool4": pool4})([pictures], [sources])[0] for pool4 in (False, True)]
    assert not torch.allclose(*losses, rtol=0.01)


@pytest.mark.parametrize(
    ("variant", "side"), [(CODE, 16), (PAPER, 16), ({"pool4": True}, 32), ({"layer": "relu1_1"}, 2)]
)
def test_the_smallest_side_leaves_two_positions(perception, variant, side):
    loss = perception(variant)
    assert loss.smallest_side == side
    small = torch.rand(1, 3, side, side)
    assert torch.isfinite(loss([small], [small.flip(3)])[0])


def test_the_layer_and_the_convention_can_be_chosen(perception, pictures):
    sources = pictures.flip(0)
    caffe, other = perception(), perception({"convention": "torchvision"})
    assert not torch.allclose(caffe([pictures], [sources])[0], other([pictures], [sources])[0], rtol=0.01)
    with pytest.raises(UsageError, match="relu5_9"):
        perception({"layer": "relu5_9"})


def test_its_features_are_never_less_precise_than_float32(perception, pictures):
    losses = {}
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        loss = perception()
        loss.place(torch.device("cpu"), dtype, compiled=False)
        losses[dtype] = loss([pictures], [pictures.flip(0)])[0]
    assert torch.equal(losses[torch.bfloat16], losses[torch.float32])
    assert losses[torch.float64].dtype == torch.float64


def test_it_is_the_mean_square_of_normalised_features_of_caffes_pixels(perception, pictures, vgg19):
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

    loss, sources = perception(), pictures.flip(0)
    loss.place(torch.device("cpu"), torch.float64, compiled=False)
    expected = nn.MSELoss()(features(pictures), features(sources))
    assert loss([pictures.double()], [sources.double()])[0].item() == pytest.approx(expected.item(), rel=1e-6)
