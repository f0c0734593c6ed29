"""Distances of images, codes and features."""

import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as divergence

from imgxlate.losses.reconstruction import absolute_error, domain_invariant_error, kl_divergence


def test_absolute_errors_are_averaged() -> None:
    assert absolute_error(torch.tensor([[1.0, 4.0]]), torch.tensor([[3.0, 0.0]])).item() == 3.0


def test_kl_divergence_is_twice_the_mean_divergence_of_unit_gaussians():
    mean = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    ones = torch.ones_like(mean)
    expected = 2 * divergence(Normal(mean, ones), Normal(torch.zeros_like(mean), ones)).mean()
    assert torch.allclose(kl_divergence(mean), expected)


def features(seed=0):
    return torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(seed)) * 10


def test_equal_features_have_no_error():
    assert domain_invariant_error(features(), features()) == 0


def test_different_features_have_an_error():
    assert domain_invariant_error(features(), features(1)) > 0.1


def test_the_scale_and_shift_of_each_channel_have_no_effect():
    scale, shift = torch.tensor([2.0, 0.5, 30.0]).view(3, 1, 1), torch.tensor([-1.0, 4.0, 100.0]).view(3, 1, 1)
    changed = features() * scale + shift
    assert domain_invariant_error(changed, features()) < 1e-6
    assert torch.allclose(
        domain_invariant_error(changed, features(1)), domain_invariant_error(features(), features(1)), atol=1e-4
    )


def test_half_precision_is_compared_in_float32():
    assert domain_invariant_error(features().bfloat16(), features(1)).dtype == torch.float32
