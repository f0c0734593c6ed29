"""The domain-invariant perceptual loss over a VGG network."""

import pytest
import torch

from imgxlate.config import overridden
from imgxlate.errors import UsageError
from imgxlate.methods.adversaries import PerceptualConfig
from imgxlate.methods.perception import Perception

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


def test_it_follows_to_another_precision(perception, pictures):
    loss = perception()
    exact = loss([pictures], [pictures.flip(0)])[0]
    loss.place(torch.device("cpu"), torch.bfloat16, compiled=False)
    lowered = loss([pictures], [pictures.flip(0)])[0]
    assert lowered.dtype == torch.float32
    assert torch.allclose(lowered, exact, rtol=0.1)
    assert not torch.equal(lowered, exact)
