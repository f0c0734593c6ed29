"""Two auto-encoders, one for each domain, against two discriminators: what the training of MUNIT and UNIT shares."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from imgxlate.data.batch import Batch
from imgxlate.data.config import DataConfig
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.losses.adversarial import discriminator_loss, generator_loss
from imgxlate.methods.adversaries import DiscriminatorConfig, LrPolicy
from imgxlate.methods.autoencoders import stored
from imgxlate.methods.perception import Perception
from imgxlate.methods.players import Player, Schedule
from imgxlate.methods.protocol import Noise, Turn
from imgxlate.methods.spec import Domain
from imgxlate.methods.training import TrainingConfig
from imgxlate.nn.discriminators import MultiScaleDiscriminator, smallest_side
from imgxlate.nn.initialisation import initialise
from imgxlate.nn.kinds import Init
from imgxlate.nn.precision import at_least_float32

DOMAINS: tuple[Domain, ...] = ("A", "B")
OTHER: Mapping[Domain, Domain] = {"A": "B", "B": "A"}

Pictures = Mapping[Domain, Tensor]
"""A batch (B, 3, H, W) of each domain, in [-1, 1]."""

Losses = dict[str, Tensor]
"""Losses by the originals' names without `loss_`, without axes."""

Generator = TypeVar("Generator", bound=nn.Module)
Codes = TypeVar("Codes")


class Objective(Protocol[Codes]):
    """What a method's generators are trained for."""

    def encode(self, pictures: Pictures) -> Codes:
        """The codes of the pictures: their means, with a graph. Both updates of a step begin with them."""

    def translate(self, codes: Codes, noise: Noise) -> Pictures:
        """Pictures of each domain, made of the other's for the discriminators to judge."""

    def generator_losses(self, pictures: Pictures, codes: Codes, noise: Noise) -> Losses:
        """All losses of the generators, and as `gen_total` their weighted sum."""


class Networks(Generic[Generator]):
    """The networks of both domains, and the precision that they compute in."""

    def __init__(
        self,
        generators: Mapping[Domain, Generator],
        discriminators: Mapping[Domain, MultiScaleDiscriminator],
        perception: Perception | None,
        dis: DiscriminatorConfig,
    ) -> None:
        self.generators = generators
        self.discriminators = discriminators
        self.perception = perception
        self.lowered = False  # whether products are taken in bfloat16
        self._gan = dis.gan_type

    def run(self, network: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """What `network` makes of `inputs`, in float32 at least whatever it multiplied in."""
        with self._autocast(inputs[0].device):
            return at_least_float32(network(*inputs))

    def run_together(self, network: Callable[..., Tensor], *parts: Sequence[Tensor]) -> Sequence[Tensor]:
        """What `network` makes of each of `parts`, the inputs of one call; all go through it as one batch.

        No network here lets pictures of a batch depend on each other.
        """
        made = self.run(network, *(torch.cat(inputs) for inputs in zip(*parts, strict=True)))
        return torch.split(made, [len(inputs[0]) for inputs in parts])

    def scores(self, domain: Domain, pictures: Tensor) -> list[Tensor]:
        """What the discriminator of `domain` holds of `pictures`, at each scale."""
        with self._autocast(pictures.device):
            return [at_least_float32(scores) for scores in self.discriminators[domain](pictures)]

    def adversarial_loss(self, domain: Domain, made: Tensor) -> Tensor:
        """How badly `made` pass for pictures of `domain`, summed over the scales (MUNIT, Eq. 4)."""
        return _sum([generator_loss(scores, self._gan) for scores in self.scores(domain, made)])

    def discriminator_loss(self, domain: Domain, pictures: Tensor, made: Tensor) -> Tensor:
        """How badly the discriminator tells `pictures` of its domain from `made` ones, summed over the scales."""
        sizes = [len(pictures), len(made)]
        scales = (torch.split(scores, sizes) for scores in self.scores(domain, torch.cat([pictures, made])))
        return _sum([discriminator_loss(real, fake, self._gan) for real, fake in scales])

    def perceptual_losses(self, made: Pictures, sources: Pictures) -> dict[Domain, Tensor]:
        """How far the made pictures of each domain are from those of the other that they were made of."""
        if self.perception is None:
            return {domain: made[domain].new_zeros(()) for domain in DOMAINS}
        a, b = self.perception(
            torch.cat([made[domain] for domain in DOMAINS]), torch.cat([sources[OTHER[domain]] for domain in DOMAINS])
        ).chunk(2)
        return {"A": a.mean(), "B": b.mean()}

    def _autocast(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self.lowered)


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
        schedule: Schedule,
        compilable: Sequence[nn.Module],  # parts of the generators that are worth it
    ) -> None:
        self._networks = networks
        self._objective = objective
        self._gan_w = gan_w
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

    def train_step(self, batch: Batch, turn: Turn) -> Losses:
        """Update the discriminators, then the generators; returns the losses and the norms of the gradients.

        The generators are the same in both, so pictures are encoded once.
        """
        pictures: Pictures = {"A": batch.a.to(self._dtype), "B": batch.b.to(self._dtype)}
        codes = self._objective.encode(pictures)
        losses = self._discriminator_losses(pictures, codes, turn.noise)
        norm = self._discriminators.update(losses["dis_total"], turn)
        with self._discriminators.frozen():
            losses |= self._objective.generator_losses(pictures, codes, turn.noise)
            losses |= {"grad_dis": norm, "grad_gen": self._generators.update(losses["gen_total"], turn)}
        return {name: loss.detach() for name, loss in losses.items()}

    def state(self) -> dict[str, Tensor]:
        """Networks and optimisers: the generators' behind `gen.`, the discriminators' behind `dis.`."""
        players = {"gen": self._generators, "dis": self._discriminators}
        return {f"{side}.{name}": value for side, player in players.items() for name, value in player.state().items()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave.

        Raises:
            CheckpointError: the tensors do not fit the configuration; names the first that does not.
        """
        sides: dict[str, dict[str, Tensor]] = {"gen": {}, "dis": {}}
        for name, tensor in tensors.items():
            side, _, rest = name.partition(".")
            if side not in sides:
                raise CheckpointError(f"the state does not fit the configuration: {name} has no place")
            sides[side][rest] = tensor
        self._generators.load_state(sides["gen"])
        self._discriminators.load_state(sides["dis"])

    def generators(self) -> dict[str, Tensor]:
        """The generators' live weights under the original's keys, behind `a.` and `b.`."""
        return stored(self._networks.generators)

    def _discriminator_losses(self, pictures: Pictures, codes: Codes, noise: Noise) -> Losses:
        with torch.no_grad():
            made = self._objective.translate(codes, noise)
        a, b = (self._networks.discriminator_loss(domain, pictures[domain], made[domain]) for domain in DOMAINS)
        return {"dis_a": a, "dis_b": b, "dis_total": self._gan_w * (a + b)}


def weighted_sum(losses: Losses, weights: Mapping[str, float]) -> Tensor:
    """The sum of the losses of both domains, `<name>_a` and `<name>_b`, with the weight of each name."""
    return _sum([(losses[f"{name}_a"] + losses[f"{name}_b"]) * weight for name, weight in weights.items()])


def make_discriminators(config: DiscriminatorConfig) -> dict[Domain, MultiScaleDiscriminator]:
    """The discriminator of each domain, with weights drawn from N(0, 0.02^2) (NVlabs/MUNIT, trainer.py)."""

    def make() -> MultiScaleDiscriminator:
        network = MultiScaleDiscriminator(
            config.dim,
            n_layer=config.n_layer,
            num_scales=config.num_scales,
            norm=config.norm,
            activ=config.activ,
            pad_type=config.pad_type,
        )
        initialise(network, "gaussian")
        return network

    return {domain: make() for domain in DOMAINS}


def make_generators(make: Callable[[], Generator], init: Init) -> dict[Domain, Generator]:
    """The generator of each domain with its initial weights."""
    generators = {domain: make() for domain in DOMAINS}
    for network in generators.values():
        initialise(network, init)
    return generators


def step_decay(policy: LrPolicy, step_size: int, gamma: float) -> Schedule:
    """The learning rate times `gamma` every `step_size` steps, or constant.

    The originals count a step before they take it (train.py), with a scheduler that in PyTorch 0.4, which they were
    made for, begins before 0 (its optim/lr_scheduler.py): so the first `step_size` steps have the full rate.
    """
    return (lambda step: gamma ** (step // step_size)) if policy == "step" else (lambda step: 1.0)


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


def _sum(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()
