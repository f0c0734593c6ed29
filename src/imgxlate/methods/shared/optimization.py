"""Networks with the Adam optimizer that updates them, and their state in a checkpoint."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from imgxlate.errors import CheckpointError
from imgxlate.methods.protocol import Losses, StepContext
from imgxlate.methods.shared.config import Schedule
from imgxlate.methods.shared.cuda_graphs import between_graphs
from imgxlate.methods.spec import TrainingConfig

_ADAM = ("step", "exp_avg", "exp_avg_sq")  # Adam's state for each parameter that has been updated


class TrainedNetworks:
    """Networks and the Adam that updates them. A parameter that several of the networks share is updated once."""

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        config: TrainingConfig,
        schedule: Schedule,
        *,
        rests_in_warm_up: bool = False,  # whether `update` changes nothing while other networks warm up
    ) -> None:
        self._rests_in_warm_up = rests_in_warm_up
        self.networks = nn.ModuleDict(networks)
        self._lr = config.lr
        self._schedule = schedule
        self._adam = torch.optim.Adam(
            self.networks.parameters(),
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            weight_decay=config.weight_decay,
            fused=True,
        )

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move networks and optimizer to `device` and `dtype`, in channels-last layout."""
        state = self.state()
        self.networks.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.load_state(state)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Within the block, losses have no gradient by the parameters of these networks."""
        self.networks.requires_grad_(False)
        try:
            yield
        finally:
            self.networks.requires_grad_(True)

    def update(self, loss: Tensor, context: StepContext) -> Tensor:
        """Take one step of Adam on `loss`, averaged over all processes. Returns the norm of the gradient.

        The gradients are freed afterwards, so that other networks can use their memory.
        """
        _, norm = self.update_by_parts([{"loss": loss}], lambda losses: losses["loss"], context)
        return norm

    def update_by_parts(
        self, parts: Iterable[Losses], minimized: Callable[[Losses], Tensor], context: StepContext
    ) -> tuple[Losses, Tensor]:
        """Take one step of Adam on the mean of a loss over the parts of a batch, and over all processes.

        `parts` yields the losses of each part, of which `minimized` is the one to minimize. What a part takes in memory
        is free before the next one is computed. Returns the mean of each loss, and the norm of the gradient.
        """
        try:
            done = [self._backward(losses, minimized) for losses in parts]
            gradients = {p: p.grad for p in self.networks.parameters() if p.grad is not None}
            if len(done) > 1:
                torch._foreach_div_([*gradients.values()], len(done))
            context.group.average([*gradients.values()])
            between_graphs(partial(self._descend, gradients), context)
            return _means(done), torch.nn.utils.get_total_norm(gradients.values())
        finally:  # Also if memory runs out: the step may be taken again.
            self._adam.zero_grad(set_to_none=True)

    def _backward(self, losses: Losses, minimized: Callable[[Losses], Tensor]) -> Losses:
        """Add the gradients of a part to those of the parts before it. Returns its losses without their graphs."""
        minimized(losses).backward()  # type: ignore[no-untyped-call]
        return {name: loss.detach() for name, loss in losses.items()}

    def _descend(self, gradients: Mapping[nn.Parameter, Tensor], context: StepContext) -> None:
        """Take one step of Adam."""
        if context.warming_up and self._rests_in_warm_up:
            return
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
        for group in self._adam.param_groups:
            group["lr"] = self._lr * self._schedule(context.step)
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Weights as `weights.<name>`; Adam's moments and step counts as `adam.<name>.<key>`."""
        tensors = self.weights()
        for name, parameter in self.networks.named_parameters():
            tensors |= {f"adam.{name}.{key}": value for key, value in self._adam.state[parameter].items()}
        return tensors

    def weights(self) -> dict[str, Tensor]:
        """The live weights, by the names that `state` has for them."""
        return {f"weights.{name}": tensor for name, tensor in self.networks.state_dict().items()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore a state that `state` returned.

        Raises:
            CheckpointError: the tensors are not those of these networks; names the first that differs.
        """
        weights = {n.removeprefix("weights."): t for n, t in tensors.items() if n.startswith("weights.")}
        try:
            self.networks.load_state_dict(weights)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise CheckpointError(f"the weights do not fit the configuration: {reason}") from error
        left = tensors.keys() - {f"weights.{name}" for name in weights}
        for name, parameter in self.networks.named_parameters():
            moments = {key: tensors[f"adam.{name}.{key}"] for key in _ADAM if f"adam.{name}.{key}" in tensors}
            _require_moments(name, moments, parameter)
            self._adam.state[parameter] = {key: _copied(key, value, parameter) for key, value in moments.items()}
            left -= {f"adam.{name}.{key}" for key in moments}
        if left:
            raise CheckpointError(f"the state does not fit the configuration: {min(left)} is unexpected")


def _means(parts: list[Losses]) -> Losses:
    return {name: torch.stack([losses[name] for losses in parts]).mean(0) for name in parts[0]}


def join_states(parts: Mapping[Any, Mapping[Any, Tensor]]) -> dict[str, Tensor]:
    """The states of the parts of a training as one: each tensor's name follows its part's name and a dot."""
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}


def split_state(tensors: Mapping[str, Tensor], parts: Iterable[str]) -> dict[str, dict[str, Tensor]]:
    """The inverse of `join_states`: the state of each of `parts`.

    Raises:
        CheckpointError: a tensor belongs to none of them; names it.
    """
    states: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part not in states:
            raise CheckpointError(f"the state does not fit the configuration: {name} is unexpected")
        states[part][rest] = tensor
    return states


def _require_moments(name: str, moments: Mapping[str, Tensor], parameter: Tensor) -> None:
    """Check that Adam's state for `parameter` is complete, or empty because the parameter was never updated."""
    for key in _ADAM if moments else ():
        if key not in moments:
            raise CheckpointError(f"the state does not fit the configuration: adam.{name}.{key} is missing")
        if moments[key].shape != (() if key == "step" else parameter.shape):
            raise CheckpointError(
                f"the state does not fit the configuration: adam.{name}.{key} is {tuple(moments[key].shape)}"
            )


def _copied(key: str, value: Tensor, parameter: Tensor) -> Tensor:
    """A copy of Adam's state for `parameter`, on its device; moments get its memory layout.

    The fused update reads parameter and moments in parallel, in the order in which they lie in memory.
    """
    return value.to(parameter.device, copy=True) if key == "step" else torch.empty_like(parameter).copy_(value)
