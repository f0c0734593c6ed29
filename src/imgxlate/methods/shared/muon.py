"""Muon: a gradient descent in which every direction of a weight matrix is learned at the same pace.

The momentum of the gradients is replaced by the nearest matrix whose singular values are all one (K. Jordan et al.,
*Muon: An optimizer for hidden layers in neural networks*, 2024). A convolution's weights (outputs, inputs, height,
width) are a matrix (outputs, inputs x height x width). `torch.optim.Muon` takes neither convolutions nor float32, and
products of bfloat16 are slow on many processors.
"""

from collections.abc import Iterable
from math import sqrt

import torch
from torch import Tensor

_MOMENTUM = 0.95  # Jordan 2024
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the iteration (Jordan 2024), chosen for its slope at zero
_ITERATIONS = 5  # the same
_RMS = 0.2  # of the entries of an update of Adam (J. Liu et al., arXiv 2502.16982, Sec. 2.2)


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum, and decoupled weight decay.

    The entries of an update are about as large as those of Adam with the same learning rate (arXiv 2502.16982, Eq. 4).
    """

    def __init__(self, weights: Iterable[Tensor], *, lr: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update the weights that have a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    update = self._direction(weight, weight.grad)
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])

    def _direction(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """The update of a weight, for a learning rate of 1."""
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        momentum: Tensor = state["momentum"].mul_(_MOMENTUM).add_(gradient)
        matrix = orthogonalized((gradient + _MOMENTUM * momentum).flatten(1))
        update: Tensor = matrix.mul_(_RMS * sqrt(max(matrix.shape))).view(weight.shape)
        return update


def orthogonalized(matrix: Tensor) -> Tensor:
    """A matrix (M, N) with the same singular vectors, and singular values of about one: between 0.6 and 1.3.

    A Newton-Schulz iteration of degree five (Jordan 2024).
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x: Tensor = wide / wide.norm().clamp_min(1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide is matrix else x.T.contiguous()
