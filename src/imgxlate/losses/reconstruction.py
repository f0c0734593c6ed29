"""Distances between images, codes or features, as the translation methods use them."""

import torch
from torch import Tensor
from torch.nn import functional


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference (L1) of two tensors of one shape: images (MUNIT, Eq. 1) or codes (Eqs. 2 and 3)."""
    return (output - target).abs().mean()


def kl_divergence(mean: Tensor) -> Tensor:
    """Twice the KL divergence of N(mean, I) from N(0, I), averaged over the elements of `mean`.

    The divergence (UNIT, arXiv 1703.00848, Eq. 3) is half the square of the mean. The authors' code leaves the half to
    the weight of the loss (mingyuliutw/UNIT, trainer.py).
    """
    return mean.square().mean()


def domain_invariant_error(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of features (B, C, H, W), each channel normalized to mean 0 and variance 1, in float32.

    Domain-invariant perceptual loss (MUNIT, arXiv 1804.04732, Sec. 5.1): means and variances of VGG's channels depend
    on the domain more than on the content. H W must exceed 1.
    """
    return functional.mse_loss(_normalized(features), _normalized(target))


def _normalized(features: Tensor) -> Tensor:
    return functional.instance_norm(features.to(torch.promote_types(features.dtype, torch.float32)))
