"""How far features of images are from each other, apart from what makes their domains differ."""

import torch
from torch import Tensor
from torch.nn import functional


def domain_invariant_error(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of features (B, C, H, W), each channel brought to mean 0 and variance 1, in float32.

    Domain-invariant perceptual loss (MUNIT, arXiv 1804.04732, Sec. 5.1): the means and variances of VGG's channels tell
    of the domain more than of the content. H W must exceed 1.
    """
    return functional.mse_loss(_normalised(features), _normalised(target))


def _normalised(features: Tensor) -> Tensor:
    return functional.instance_norm(features.to(torch.promote_types(features.dtype, torch.float32)))
