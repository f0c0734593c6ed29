"""The divergence of latent codes from N(0, I)."""

import torch
from torch.distributions import Normal, kl_divergence

from imgxlate.losses.kl import divergence_from_standard


def test_it_is_twice_the_mean_divergence_of_unit_gaussians():
    mean = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    ones = torch.ones_like(mean)
    expected = 2 * kl_divergence(Normal(mean, ones), Normal(torch.zeros_like(mean), ones)).mean()
    assert torch.allclose(divergence_from_standard(mean), expected)
