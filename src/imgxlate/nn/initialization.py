"""Initial weights."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from imgxlate.nn import Init

Network = TypeVar("Network", bound=nn.Module)

_DEVIATION = 0.02
_DRAWS: dict[Init, Callable[[Tensor, float], object]] = {
    "kaiming": lambda weight, gain: nn.init.kaiming_normal_(weight, a=0, mode="fan_in"),
    "xavier": nn.init.xavier_normal_,
    "orthogonal": nn.init.orthogonal_,
    "gaussian": lambda weight, gain: nn.init.normal_(weight, 0.0, _DEVIATION),
}


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's random numbers within the block, such as initial weights; those drawn after it are unaffected."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def initialize(network: Network, kind: Init, gain: float = 2**0.5) -> Network:
    """Draw the weights of all convolutions and linear layers, with biases of 0; returns the network. Norms are kept.

    `kaiming`: N(0, 2 / fan in) (arXiv 1502.01852, Eq. 10); `gaussian`: N(0, 0.02^2); `xavier` (Glorot and Bengio 2010,
    Eq. 12) and `orthogonal` (arXiv 1312.6120) are multiplied by `gain`, sqrt(2) in NVlabs/MUNIT, utils.py:272-292.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            _DRAWS[kind](layer.weight, gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
