"""How far an image, or its features, are from another's."""

from torch import Tensor


def absolute_error(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of two tensors of one shape (L1): pictures (MUNIT, Eq. 1) or codes (Eqs. 2 and 3)."""
    return (made - target).abs().mean()


def squared_error_sum(features: Tensor, target: Tensor) -> Tensor:
    """Sum of squared differences of two tensors of one shape, in float32 (Gatys et al., arXiv 1508.06576, Eq. 1).

    It adds up over the parts of an image.
    """
    return (features.float() - target.float()).square().sum()
