"""The two sides of an adversarial game: networks that one optimiser moves against one loss."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from imgxlate.errors import CheckpointError
from imgxlate.methods.protocol import Turn
from imgxlate.methods.training import TrainingConfig

Schedule = Callable[[int], float]
"""The factor of the learning rate at a step, counted from 0."""


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

    def update(self, loss: Tensor, turn: Turn) -> Tensor:
        """Take one step down the gradient of `loss`, averaged over all processes; returns the gradient's norm."""
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.networks.parameters() if p.grad is not None]
        turn.peers.average(gradients)
        for group in self._optimiser.param_groups:
            group["lr"] = self._lr * self._schedule(turn.step)
        self._optimiser.step()
        return torch.nn.utils.get_total_norm(gradients)

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
        for name, parameter in self.networks.named_parameters():
            prefix = f"adam.{name}."
            moments = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
            self._optimiser.state[parameter] = {
                # Moments lie in memory as their parameter does: the fused update goes through them side by side.
                key: value.clone() if key == "step" else torch.empty_like(parameter).copy_(value)
                for key, value in moments.items()
            }


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
