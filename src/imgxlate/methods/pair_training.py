"""The state and the steps of MUNIT's and UNIT's training, which differ in their objective only."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from imgxlate.data.batch import Batch
from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError
from imgxlate.methods.autoencoders import stored
from imgxlate.methods.discriminator_config import DiscriminatorConfig
from imgxlate.methods.pair_networks import Generator, Losses, Networks, Pictures
from imgxlate.methods.perception import Perception
from imgxlate.methods.players import Player, joined, parted
from imgxlate.methods.protocol import Noise, StepContext
from imgxlate.methods.schedules import Schedule
from imgxlate.methods.spec import DOMAINS
from imgxlate.methods.training import TrainingConfig
from imgxlate.nn.discriminators import smallest_side

Codes = TypeVar("Codes")


class Objective(Protocol[Codes]):
    """What a method's generators are trained for."""

    def encode(self, pictures: Pictures) -> Codes:
        """The codes of the pictures: their means, with a graph. Both updates of a step begin with them."""

    def translate(self, codes: Codes, noise: Noise) -> Pictures:
        """Pictures of each domain, made of the other's for the discriminators to judge."""

    def generator_losses(self, pictures: Pictures, codes: Codes, noise: Noise) -> Losses:
        """All losses of the generators, and as `gen_total` their weighted sum."""


class PairTraining(Generic[Generator, Codes]):
    """The state of a training, and its step: the discriminators' update, then the generators'.

    Everything of `Trainable` but `create` and `architecture`.
    """

    def __init__(
        self,
        config: TrainingConfig,
        networks: Networks[Generator],
        objective: Objective[Codes],
        *,
        gan_w: float,
        r1_w: float,
        schedule: Schedule,
        compilable: Sequence[nn.Module],  # parts of the generators that are worth it
    ) -> None:
        self._networks = networks
        self._objective = objective
        self._gan_w = gan_w
        self._r1_w = r1_w
        self._compilable = [*compilable, *networks.discriminators.values()]
        self._generators = Player({d.lower(): net for d, net in networks.generators.items()}, config, schedule)
        self._discriminators = Player({d.lower(): net for d, net in networks.discriminators.items()}, config, schedule)
        self._dtype = torch.float32

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move everything to `device`, to multiply in `dtype`; weights, norms and losses are in float32 at least."""
        self._dtype = torch.promote_types(dtype, torch.float32)
        self._networks.lowered = dtype is torch.bfloat16
        for player in (self._generators, self._discriminators):
            player.place(device, self._dtype)
        if self._networks.perception:
            self._networks.perception.place(device, dtype, compiled=compiled)
        if compiled:
            for part in self._compilable:
                part.compile(dynamic=False)

    def train_step(self, batch: Batch, context: StepContext) -> Losses:
        """Update the discriminators, then the generators; returns the losses and the norms of the gradients.

        The generators are the same in both, so pictures are encoded once.
        """
        pictures: Pictures = {"A": batch.a.to(self._dtype), "B": batch.b.to(self._dtype)}
        codes = self._objective.encode(pictures)
        losses = self._discriminator_losses(pictures, codes, context.noise)
        norm = self._discriminators.update(losses["dis_total"], context)
        with self._discriminators.frozen():
            losses |= self._objective.generator_losses(pictures, codes, context.noise)
            losses |= {"grad_dis": norm, "grad_gen": self._generators.update(losses["gen_total"], context)}
        return {name: loss.detach() for name, loss in losses.items()}

    def state(self) -> dict[str, Tensor]:
        """Networks and optimisers: the generators' behind `gen.`, the discriminators' behind `dis.`."""
        return joined({"gen": self._generators.state(), "dis": self._discriminators.state()})

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave.

        Raises:
            CheckpointError: the tensors do not fit the configuration; names the first that does not.
        """
        parts = parted(tensors, ("gen", "dis"))
        self._generators.load_state(parts["gen"])
        self._discriminators.load_state(parts["dis"])

    def generators(self) -> dict[str, Tensor]:
        """The generators' live weights under the original's keys, behind `a.` and `b.`."""
        return stored(self._networks.generators)

    def _discriminator_losses(self, pictures: Pictures, codes: Codes, noise: Noise) -> Losses:
        with torch.no_grad():
            made = self._objective.translate(codes, noise)
        a, b = (self._networks.discriminator_loss(domain, pictures[domain], made[domain]) for domain in DOMAINS)
        losses = {"dis_a": a, "dis_b": b, "dis_total": self._gan_w * (a + b)}
        if self._r1_w:
            a, b = (self._networks.gradient_penalty(domain, pictures[domain]) for domain in DOMAINS)
            losses |= {"dis_r1_a": a, "dis_r1_b": b, "dis_total": losses["dis_total"] + self._r1_w * (a + b)}
        return losses


def require_trainable(
    gen: Any, dis: DiscriminatorConfig, data: DataConfig, *, minimum_side: int, perception: Perception | None
) -> None:
    """Check what the fields of a configuration cannot say one by one; `minimum_side` is the generators' own.

    Raises:
        UsageError: the crop is no multiple of the generators' stride or too small for a network, or `gen.norm` makes
            pictures of a batch depend on each other.
    """
    if gen.norm == "batch":
        raise UsageError(
            "gen.norm = 'batch' cannot be trained: pictures of a batch would depend on each other",
            hint="Type `--set gen.norm=instance`, as the original has it.",
        )
    stride = 2**gen.n_downsample
    watched = perception.smallest_side if perception else 1
    least = max(minimum_side, watched, smallest_side(dis.n_layer, dis.num_scales, dis.norm))
    least = -(-least // stride) * stride
    for key, side in (("data.crop_height", data.crop_height), ("data.crop_width", data.crop_width)):
        if side < least or side % stride:
            nearest = max(least, side // stride * stride)
            raise UsageError(
                f"{key} = {side}: these networks take multiples of {stride} from {least}",
                hint=f"Type `--set {key}={nearest}`, or take fewer of dis.num_scales, dis.n_layer or gen.n_downsample.",
            )
