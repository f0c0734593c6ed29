"""Spectral normalization of convolutions and linear layers (arXiv 1802.05957)."""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from imgxlate.nn.precision import without_autocast

Network = TypeVar("Network", bound=nn.Module)

_FIRST_ITERATIONS = 15  # of the power method, so that the first steps have a good estimate

_NORMALIZED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


class SpectralNorm(nn.Module):
    """Divides a weight by the largest singular value of its matrix (outputs, everything else).

    One iteration of the power method estimates it (Algorithm 1). Its vector is kept from one training step to the next;
    it moves only where the weight is trained. So reading weights changes nothing.
    """

    left: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("left", functional.normalize(torch.randn(len(weight)), dim=0).to(weight))
        for _ in range(_FIRST_ITERATIONS):
            self.left, _ = _iterate(weight.detach().flatten(1), self.left)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with a largest singular value of about 1."""
        with without_autocast(weight.device):  # The estimate needs full precision.
            matrix = weight.flatten(1)
            left, right = _iterate(matrix.detach(), self.left)
            if torch.is_grad_enabled() and weight.requires_grad:
                self.left.copy_(left)
            return weight / (left @ (matrix @ right))


def normalize_spectrally(network: Network) -> Network:
    """Normalize all convolutions and linear layers of `network`; returns it. Initial weights must be drawn before."""
    for layer in list(network.modules()):
        if isinstance(layer, _NORMALIZED):
            parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return network


@torch.no_grad()
def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """The state of `network` with normalized weights under the names that they have without normalization."""
    state: dict[str, Tensor] = dict(network.state_dict())
    for name, layer in network.named_modules(remove_duplicate=False):
        if isinstance(layer, _NORMALIZED) and parametrize.is_parametrized(layer, "weight"):
            place = f"{name}.parametrizations.weight"
            state[f"{name}.weight"] = layer.weight
            del state[f"{place}.original"], state[f"{place}.0.left"]
    return state


@torch.no_grad()
def _iterate(matrix: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
    """One iteration of the power method: nearly the first left and right singular vectors of `matrix` (O, N)."""
    right = functional.normalize(left @ matrix, dim=0)
    return functional.normalize(matrix @ right, dim=0), right
