"""The two sides of an adversarial game: networks that one optimiser moves against one loss."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from imgxlate.errors import CheckpointError
from imgxlate.methods.protocol import StepContext
from imgxlate.methods.schedules import Schedule
from imgxlate.methods.training import TrainingConfig

_ADAM = ("step", "exp_avg", "exp_avg_sq")  # what it keeps for each parameter that it has updated


class Player:
    """Networks and the Adam that updates them. A parameter that several of the networks share is updated once."""

    def __init__(self, networks: Mapping[str, nn.Module], config: TrainingConfig, schedule: Schedule) -> None:
        self.networks = nn.ModuleDict(networks)
        self._lr = config.lr
        self._schedule = schedule
        self._optimiser = torch.optim.Adam(
            self.networks.parameters(),
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            weight_decay=config.weight_decay,
            fused=True,
        )

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move networks and optimiser to `device` and `dtype`, in channels-last layout."""
        state = self.state()
        self.networks.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.load_state(state)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let losses that are computed within the block have no gradient by these networks' parameters."""
        self.networks.requires_grad_(False)
        try:
            yield
        finally:
            self.networks.requires_grad_(True)

    def update(self, loss: Tensor, context: StepContext) -> Tensor:
        """Take one step down the gradient of `loss`, averaged over all processes; returns the gradient's norm.

        No gradient is kept: the memory is free for the other player's update.
        """
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.networks.parameters() if p.grad is not None]
        context.group.average(gradients)
        for group in self._optimiser.param_groups:
            group["lr"] = self._lr * self._schedule(context.step)
        self._optimiser.step()
        norm = torch.nn.utils.get_total_norm(gradients)
        self._optimiser.zero_grad(set_to_none=True)
        return norm

    def state(self) -> dict[str, Tensor]:
        """Weights as `weights.<name>`, and Adam's moments and number of steps as `adam.<name>.<what>`."""
        tensors = {f"weights.{name}": tensor for name, tensor in self.networks.state_dict().items()}
        for name, parameter in self.networks.named_parameters():
            tensors |= {f"adam.{name}.{key}": value for key, value in self._optimiser.state[parameter].items()}
        return tensors

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave.

        Raises:
            CheckpointError: the tensors are not those of these networks; names the first that is not.
        """
        weights = {n.removeprefix("weights."): t for n, t in tensors.items() if n.startswith("weights.")}
        try:
            self.networks.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(f"the weights do not fit the configuration: {_in_a_line(error)}") from error
        left = tensors.keys() - {f"weights.{name}" for name in weights}
        for name, parameter in self.networks.named_parameters():
            kept = {key: tensors[f"adam.{name}.{key}"] for key in _ADAM if f"adam.{name}.{key}" in tensors}
            _require_moments(name, kept, parameter)
            self._optimiser.state[parameter] = {key: _moved(key, value, parameter) for key, value in kept.items()}
            left -= {f"adam.{name}.{key}" for key in kept}
        if left:
            raise CheckpointError(f"the state does not fit the configuration: {min(left)} has no place")


def joined(parts: Mapping[Any, Mapping[Any, Tensor]]) -> dict[str, Tensor]:
    """The states of the parts of a training as one: the tensors of each behind its name and a dot."""
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}


def parted(tensors: Mapping[str, Tensor], parts: Iterable[str]) -> dict[str, dict[str, Tensor]]:
    """The opposite of `joined`: the state of each of `parts`.

    Raises:
        CheckpointError: a tensor is of none of them; names it.
    """
    states: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part not in states:
            raise CheckpointError(f"the state does not fit the configuration: {name} has no place")
        states[part][rest] = tensor
    return states


def _require_moments(name: str, kept: Mapping[str, Tensor], parameter: Tensor) -> None:
    """Check that Adam keeps nothing for `parameter`, which has not been updated yet, or all that it needs."""
    for key in _ADAM if kept else ():
        if key not in kept:
            raise CheckpointError(f"the state does not fit the configuration: adam.{name}.{key} is missing")
        if kept[key].shape != (() if key == "step" else parameter.shape):
            raise CheckpointError(
                f"the state does not fit the configuration: adam.{name}.{key} is {tuple(kept[key].shape)}"
            )


def _moved(key: str, value: Tensor, parameter: Tensor) -> Tensor:
    """A copy of what Adam keeps for `parameter`, on its device; moments lie in memory as it does.

    The fused update goes through them side by side.
    """
    return value.to(parameter.device, copy=True) if key == "step" else torch.empty_like(parameter).copy_(value)


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
