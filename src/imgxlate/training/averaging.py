"""The exponential moving average of weights over the steps of a training run."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from imgxlate.errors import CheckpointError


class Average:
    """Averaged weights. They start as a copy of the weights in training, on the same device and in the same type."""

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self._decay = decay
        self._tensors = {name: tensor.detach().clone() for name, tensor in weights.items()}

    def update(self, weights: Mapping[str, Tensor], step: int) -> None:
        """Average the weights after step `step`, counted from 0. Integers, such as counts of batches, are copied.

        The decay min(d, (1 + step) / (10 + step)) is smaller at the start, so that the initial weights fade soon.
        """
        smooth = [name for name, tensor in self._tensors.items() if tensor.is_floating_point()]
        decay = min(self._decay, (1 + step) / (10 + step))
        get_ema_multi_avg_fn(decay)(  # type: ignore[no-untyped-call]
            [self._tensors[name] for name in smooth], [weights[name].detach() for name in smooth], None
        )
        for name in self._tensors.keys() - set(smooth):
            self._tensors[name].copy_(weights[name])

    def state(self) -> dict[str, Tensor]:
        """The averaged weights by name. The next `update` changes them in place."""
        return dict(self._tensors)

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned.

        Raises:
            CheckpointError: a tensor is missing, left over, or of another shape; names it.
        """
        for name in sorted(self._tensors.keys() | tensors.keys()):
            own, given = (side[name].shape if name in side else None for side in (self._tensors, tensors))
            if own != given:
                raise CheckpointError(f"the averaged weights do not fit: {name} is {_shape(given)}, not {_shape(own)}")
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor.copy_(tensors[name])


def _shape(shape: torch.Size | None) -> str:
    return "missing" if shape is None else str(tuple(shape))
