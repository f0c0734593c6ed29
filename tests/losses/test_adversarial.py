"""Adversarial losses against torch's own of the same distances."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from imgxlate.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty

REAL = torch.tensor([[3.0, -3.0, 0.5], [-0.25, 1.0, 2.0]])
FAKE = torch.tensor([[-3.0, 3.0], [0.75, -1.5]])
kinds = pytest.mark.parametrize(
    ("kind", "distance"), [("lsgan", mse_loss), ("nsgan", binary_cross_entropy_with_logits)]
)


@kinds
def test_the_discriminator_loss_pulls_real_scores_to_one_and_fake_scores_to_zero(kind, distance):
    expected = distance(REAL, torch.ones_like(REAL)) + distance(FAKE, torch.zeros_like(FAKE))
    assert torch.allclose(discriminator_loss(REAL, FAKE, kind), expected, rtol=1e-6)


@kinds
def test_the_generator_loss_pulls_fake_scores_to_one(kind, distance):
    assert torch.allclose(generator_loss(FAKE, kind), distance(FAKE, torch.ones_like(FAKE)), rtol=1e-6)


def test_the_hinge_loss_pulls_real_scores_above_one_and_fake_scores_below_minus_one():
    expected = (0 + 4 + 0.5 + 1.25 + 0 + 0) / 6 + (0 + 4 + 1.75 + 0) / 4
    assert discriminator_loss(REAL, FAKE, "hinge").item() == pytest.approx(expected)
    assert generator_loss(FAKE, "hinge").item() == pytest.approx(-FAKE.mean().item())


def test_the_non_saturating_loss_has_a_gradient_where_the_discriminator_is_certain():
    score = torch.tensor([-30.0], requires_grad=True)
    generator_loss(score, "nsgan").backward()
    assert score.grad.item() == pytest.approx(-1)


def test_the_penalty_of_patches_apart_is_half_the_squared_gradient_of_a_patch_averaged_and_summed_over_scales():
    images = torch.randn(3, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.tensor([0.5, -2.0, 1.0], dtype=torch.float64).requires_grad_()
    fine = torch.einsum("bchw,c->bhw", images, weight)  # 1 x 1 patches: each gradient is the weight
    coarse = torch.nn.functional.avg_pool2d(images.sum(1, keepdim=True), 4)  # 4 x 4 patches of gradients 1 / 16
    penalty = gradient_penalty([fine, coarse], images)
    assert penalty.item() == pytest.approx((0.25 + 4 + 1) / 2 + 3 * 16 / 16**2 / 2, rel=1e-12)
    penalty.backward()
    assert torch.allclose(weight.grad, weight.detach(), rtol=1e-12)


def test_the_penalty_of_overlapping_patches_is_half_the_squared_gradient_of_their_sum_by_their_number():
    images = torch.zeros(3, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    scores = torch.nn.functional.avg_pool2d(images.sum(1, keepdim=True), 4, stride=2)  # 9 patches of gradients 1 / 16
    patches = torch.tensor([1, 1, 2, 2, 2, 2, 1, 1])  # that cover a row or a column
    gradients = patches.outer(patches).double() / 16
    assert gradient_penalty([scores], images).item() == pytest.approx(
        3 * gradients.square().sum().item() / (2 * 9), rel=1e-12
    )
