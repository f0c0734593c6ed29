"""The domain-invariant perceptual loss on features."""

import torch

from imgxlate.losses.perceptual import domain_invariant_error


def features(seed=0):
    return torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(seed)) * 10


def test_equal_features_have_no_error():
    assert domain_invariant_error(features(), features()) == 0


def test_different_features_have_one():
    assert domain_invariant_error(features(), features(1)) > 0.1


def test_a_scale_and_a_shift_of_each_channel_do_not_count():
    scale, shift = torch.tensor([2.0, 0.5, 30.0]).view(3, 1, 1), torch.tensor([-1.0, 4.0, 100.0]).view(3, 1, 1)
    changed = features() * scale + shift
    assert domain_invariant_error(changed, features()) < 1e-6
    assert torch.allclose(
        domain_invariant_error(changed, features(1)), domain_invariant_error(features(), features(1)), atol=1e-4
    )


def test_half_precision_is_compared_in_float32():
    assert domain_invariant_error(features().bfloat16(), features(1)).dtype == torch.float32
