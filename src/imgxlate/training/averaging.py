"""The exponential moving average of a model's weights over the steps of its training."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from imgxlate.errors import CheckpointError


class Average:
    """Averaged weights, on the device and in the type of the live ones, which they start as."""

    def __init__(self, live: Mapping[str, Tensor], decay: float) -> None:
        self._decay = decay
        self._tensors = {name: tensor.detach().clone() for name, tensor in live.items()}

    def update(self, live: Mapping[str, Tensor], step: int) -> None:
        """Move towards the weights after step `step`, counted from 0; counts of batches are taken over as they are.

        The decay is less at the start, so that initial weights do not stay in the average for thousands of steps.
        """
        smooth = [name for name, tensor in self._tensors.items() if tensor.is_floating_point()]
        decay = min(self._decay, (1 + step) / (10 + step))
        get_ema_multi_avg_fn(decay)(  # type: ignore[no-untyped-call]
            [self._tensors[name] for name in smooth], [live[name].detach() for name in smooth], None
        )
        for name in self._tensors.keys() - set(smooth):
            self._tensors[name].copy_(live[name])

    def state(self) -> dict[str, Tensor]:
        """The averaged weights under the names of the live ones. They change with the next `update`."""
        return dict(self._tensors)

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave.

        Raises:
            CheckpointError: a tensor is missing, left over, or of another shape; names it.
        """
        for name in sorted(self._tensors.keys() | tensors.keys()):
            mine, given = (side[name].shape if name in side else None for side in (self._tensors, tensors))
            if mine != given:
                raise CheckpointError(f"the averaged weights do not fit: {name} is {_shape(given)}, not {_shape(mine)}")
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor.copy_(tensors[name])


def _shape(shape: torch.Size | None) -> str:
    return "missing" if shape is None else str(tuple(shape))
