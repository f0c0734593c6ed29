"""The color space of Ruderman et al., as Reinhard et al. (2001, section 2) use it."""

import torch
from torch import Tensor

# Equation 4: linear RGB to the cones' responses.
_LMS = torch.tensor([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
# Equation 6: the cones' logarithms to lightness, yellow-blue and red-green.
_OPPONENT = torch.diag(torch.tensor([3.0, 6.0, 2.0]).rsqrt()) @ torch.tensor(
    [[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]]
)
_DARKEST = 1 / 255  # keeps the logarithm of black finite


def to_opponent(images: Tensor) -> Tensor:
    """Images (B, 3, H, W) in [-1, 1] as lightness and two opponent colors, (B, 3, H, W)."""
    cones = _apply(_LMS, (images + 1) / 2).clamp_min(_DARKEST)
    return _apply(_OPPONENT, cones.log10())


def from_opponent(opponent: Tensor) -> Tensor:
    """The inverse of `to_opponent`."""
    cones = 10 ** _apply(torch.linalg.inv(_OPPONENT), opponent)
    return _apply(torch.linalg.inv(_LMS), cones) * 2 - 1


def _apply(matrix: Tensor, images: Tensor) -> Tensor:
    return torch.einsum("oc,bchw->bohw", matrix.to(images), images)
