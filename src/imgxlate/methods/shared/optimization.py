"""Networks with the optimizers that update them, and their state in a checkpoint."""

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
from imgxlate.methods.shared.muon import Muon
from imgxlate.methods.spec import TrainingConfig

_STATES = {"adam": ("step", "exp_avg", "exp_avg_sq"), "muon": ("momentum",)}
"""What each optimizer keeps of a parameter that has been updated."""


class TrainedNetworks:
    """Networks and the Adam that updates them, or Muon for the weights of convolutions and Adam for all others.

    A parameter that several of the networks share is updated once.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        config: TrainingConfig,
        schedule: Schedule,
        *,
        muon: bool = False,
        rests_in_warm_up: bool = False,  # whether `update` changes nothing while other networks warm up
    ) -> None:
        self._rests_in_warm_up = rests_in_warm_up
        self.networks = nn.ModuleDict(networks)
        self._lr = config.lr
        self._schedule = schedule
        self._kinds = {
            name: "muon" if muon and parameter.dim() == 4 else "adam"
            for name, parameter in self.networks.named_parameters()
        }
        lr, weight_decay, betas = config.lr, config.weight_decay, (config.beta1, config.beta2)
        self._optimizers: dict[str, torch.optim.Optimizer] = {
            "adam": torch.optim.Adam(self._of("adam"), lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
        }
        if muon:
            self._optimizers["muon"] = Muon(self._of("muon"), lr=lr, weight_decay=weight_decay)

    def _of(self, kind: str) -> list[nn.Parameter]:
        """The parameters that an optimizer updates."""
        return [parameter for name, parameter in self.networks.named_parameters() if self._kinds[name] == kind]

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
        """Take one step on `loss`, averaged over all processes. Returns the norm of the gradient.

        The gradients are freed afterwards, so that other networks can use their memory.
        """
        _, norm = self.update_by_parts([{"loss": loss}], lambda losses: losses["loss"], context)
        return norm

    def update_by_parts(
        self, parts: Iterable[Losses], minimized: Callable[[Losses], Tensor], context: StepContext
    ) -> tuple[Losses, Tensor]:
        """Take one step on the mean of a loss over the parts of a batch, and over all processes.

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
            self.networks.zero_grad(set_to_none=True)

    def _backward(self, losses: Losses, minimized: Callable[[Losses], Tensor]) -> Losses:
        """Add the gradients of a part to those of the parts before it. Returns its losses without their graphs."""
        minimized(losses).backward()  # type: ignore[no-untyped-call]
        return {name: loss.detach() for name, loss in losses.items()}

    def _descend(self, gradients: Mapping[nn.Parameter, Tensor], context: StepContext) -> None:
        """Take one step."""
        if context.warming_up and self._rests_in_warm_up:
            return
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
        for optimizer in self._optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self._lr * self._schedule(context.step)
            optimizer.step()
        self.networks.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Weights as `weights.<name>`; what optimizers keep as `adam.<name>.<key>` and `muon.<name>.<key>`."""
        tensors = self.weights()
        for name, parameter in self.networks.named_parameters():
            kind = self._kinds[name]
            kept = self._optimizers[kind].state[parameter]
            tensors |= {f"{kind}.{name}.{key}": value for key, value in kept.items()}
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
            kind = self._kinds[name]
            keys = {key: f"{kind}.{name}.{key}" for key in _STATES[kind]}
            kept = {key: tensors[full] for key, full in keys.items() if full in tensors}
            _require_complete(keys, kept, parameter)
            self._optimizers[kind].state[parameter] = {k: _copied(k, value, parameter) for k, value in kept.items()}
            left -= set(keys.values())
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


def _require_complete(keys: Mapping[str, str], kept: Mapping[str, Tensor], parameter: Tensor) -> None:
    """Check what an optimizer kept of `parameter`: all of `keys`, which have their full names, or nothing."""
    for key, full in keys.items() if kept else ():
        if key not in kept:
            raise CheckpointError(f"the state does not fit the configuration: {full} is missing")
        if kept[key].shape != (() if key == "step" else parameter.shape):
            raise CheckpointError(f"the state does not fit the configuration: {full} is {tuple(kept[key].shape)}")


def _copied(key: str, value: Tensor, parameter: Tensor) -> Tensor:
    """A copy of what an optimizer kept of `parameter`, on its device; moments get its memory layout.

    Adam's fused update reads parameter and moments in parallel, in the order in which they lie in memory.
    """
    return value.to(parameter.device, copy=True) if key == "step" else torch.empty_like(parameter).copy_(value)
