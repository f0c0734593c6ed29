"""How far features are from those of another image."""

from torch import Tensor


def squared_error_sum(features: Tensor, target: Tensor) -> Tensor:
    """Sum of squared differences of two tensors of one shape, in float32 (Gatys et al., arXiv 1508.06576, Eq. 1).

    It adds up over the parts of an image.
    """
    return (features.float() - target.float()).square().sum()
