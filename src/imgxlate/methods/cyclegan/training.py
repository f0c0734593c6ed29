"""CycleGAN's training: both generators against both discriminators."""

from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.losses.adversarial import gradient_penalty
from imgxlate.methods.cyclegan.config import CycleganConfig, CycleganTrainingConfig
from imgxlate.methods.cyclegan.networks import Generator, PatchDiscriminator, minimum_side, multiple
from imgxlate.methods.cyclegan.objective import Round, generator_losses, judgement_loss
from imgxlate.methods.cyclegan.pool import ImagePool
from imgxlate.methods.players import Player, joined, parted
from imgxlate.methods.protocol import StepContext
from imgxlate.methods.spec import DOMAINS, Domain
from imgxlate.nn.initialisation import initialise, seeded
from imgxlate.nn.running import run, run_together


class CycleganTraining:
    """Both generators and both discriminators, by the original's names: G_A takes A, D_A judges pictures of B."""

    def __init__(self, config: CycleganTrainingConfig) -> None:
        self.config = config
        with seeded(config.seed):
            generators = {name: _started(Generator(config.gen), config) for name in ("G_A", "G_B")}
            discriminators = {name: _started(PatchDiscriminator(config), config) for name in ("D_A", "D_B")}
        self._generators = Player(generators, config, self._schedule)
        self._discriminators = Player(discriminators, config, self._schedule)
        self._pools = {domain: ImagePool(config.pool_size) for domain in DOMAINS}
        self._dtype = torch.float32
        self._lowered = False  # whether products are taken in bfloat16
        self._device = torch.device("cpu")

    @classmethod
    def create(cls, config: CycleganTrainingConfig, features: Checkpoint | None) -> Self:
        """Networks with initial weights that follow from `config.seed`; CycleGAN needs no `features`.

        Raises:
            UsageError: values of `config` cannot be, such as a crop that the networks cannot take.
        """
        del features
        _check(config)
        return cls(config)

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move everything to `device`, to multiply in `dtype`; weights and losses are in float32, or float64."""
        self._device = device
        self._lowered = dtype is torch.bfloat16
        self._dtype = torch.promote_types(dtype, torch.float32)
        for player in (self._generators, self._discriminators):
            player.place(device, self._dtype)
            if compiled:
                for network in player.networks.values():
                    network.compile(dynamic=False)
        for pool in self._pools.values():
            pool.place(device, self._dtype)

    def train_step(self, batch: Batch, context: StepContext) -> dict[str, Tensor]:
        """Update the generators, then the discriminators; returns the losses and gradient norms."""
        losses, made = self._update_generators(batch.a.to(self._dtype), batch.b.to(self._dtype), context)
        losses |= self._update_discriminators(made, context)
        return {name: loss.detach() for name, loss in losses.items()}

    def state(self) -> dict[str, Tensor]:
        """Networks, optimisers and image pools."""
        pools = {domain: dict(enumerate(pool.pictures)) for domain, pool in self._pools.items()}
        players = {"generators": self._generators.state(), "discriminators": self._discriminators.state()}
        return joined(players | {"pools": joined(pools)})

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave.

        Raises:
            CheckpointError: the tensors do not fit the configuration; names the first that does not.
        """
        parts = parted(tensors, ("generators", "discriminators", "pools"))
        self._generators.load_state(parts["generators"])
        self._discriminators.load_state(parts["discriminators"])
        self._load_pools(parts["pools"])

    def generators(self) -> dict[str, Tensor]:
        """The generators' live weights, behind `G_A.` and `G_B.`."""
        return dict(self._generators.networks.state_dict())

    def architecture(self) -> CycleganConfig:
        """The configuration of the generators."""
        return self.config.gen

    def _schedule(self, step: int) -> float:
        """Constant, then linearly to zero, which would be reached one step after the last."""
        decay = round(self.config.iterations * self.config.lr_decay_share)
        return min(1.0, (self.config.iterations - step) / (decay + 1))

    def _update_generators(
        self, real_a: Tensor, real_b: Tensor, context: StepContext
    ) -> tuple[dict[str, Tensor], Round]:
        with self._discriminators.frozen():
            made = self._play(real_a, real_b)
            (scores_b,) = self._run("D_A", made.fake_b)
            (scores_a,) = self._run("D_B", made.fake_a)
            losses = generator_losses(made, scores_a, scores_b, self.config)
            norm = self._generators.update(torch.stack(list(losses.values())).sum(), context)
        return losses | {"grad_G": norm}, made

    def _play(self, real_a: Tensor, real_b: Tensor) -> Round:
        kept_a = kept_b = None
        if self.config.lambda_identity:
            fake_b, kept_b = self._run("G_A", real_a, real_b)
            fake_a, kept_a = self._run("G_B", real_b, real_a)
        else:
            (fake_b,), (fake_a,) = self._run("G_A", real_a), self._run("G_B", real_b)
        (cycled_a,), (cycled_b,) = self._run("G_B", fake_b), self._run("G_A", fake_a)
        return Round(real_a, real_b, fake_a, fake_b, cycled_a, cycled_b, kept_a, kept_b)

    def _update_discriminators(self, made: Round, context: StepContext) -> dict[str, Tensor]:
        seen_b = self._seen("B", made.fake_b.detach(), context)
        seen_a = self._seen("A", made.fake_a.detach(), context)
        losses = {"D_A": self._judge("D_A", made.real_b, seen_b), "D_B": self._judge("D_B", made.real_a, seen_a)}
        if self.config.r1_w:
            losses |= {"R1_A": self._penalty("D_A", made.real_b), "R1_B": self._penalty("D_B", made.real_a)}
        norm = self._discriminators.update(torch.stack(list(losses.values())).sum(), context)
        return losses | {"grad_D": norm}

    def _judge(self, name: str, real: Tensor, fake: Tensor) -> Tensor:
        real_scores, fake_scores = self._run(name, real, fake)
        return judgement_loss(real_scores, fake_scores, self.config)

    def _penalty(self, name: str, real: Tensor) -> Tensor:
        pictures = real.detach().requires_grad_()
        # `forward` itself is never compiled: torch's compiler has no gradients of gradients.
        judge = self._discriminators.networks[name].forward
        return gradient_penalty([run(judge, pictures, lowered=self._lowered)], pictures) * self.config.r1_w

    def _seen(self, domain: Domain, made: Tensor, context: StepContext) -> Tensor:
        """What the discriminator of a domain is to see for this process's part of the made pictures."""
        if not self.config.pool_size:
            return made
        exchanged = self._pools[domain].exchange(context.group.gather(made), context.random)
        return exchanged[context.group.rank * len(made) :][: len(made)]

    def _run(self, name: str, *images: Tensor) -> Sequence[Tensor]:
        """Several batches (B, 3, H, W) through a network at once: no norm here makes pictures depend on each other."""
        player = self._generators if name.startswith("G") else self._discriminators
        return run_together(player.networks[name], *((batch,) for batch in images), lowered=self._lowered)

    def _load_pools(self, tensors: Mapping[str, Tensor]) -> None:
        data = self.config.data
        wanted = {f"{domain}.{place}" for domain in DOMAINS for place in range(self.config.pool_size)}
        for name, tensor in tensors.items():
            if name not in wanted or tensor.shape != (3, data.crop_height, data.crop_width):
                raise CheckpointError(f"the state has pools.{name} of {tuple(tensor.shape)}, which does not fit")
        for domain, pool in self._pools.items():
            filled = sum(name.startswith(f"{domain}.") for name in tensors)
            names = [f"{domain}.{place}" for place in range(filled)]
            for name in names:
                if name not in tensors:
                    raise CheckpointError(f"the state lacks pools.{name}, and has a picture in a later place")
            pool.pictures = [tensors[name].clone() for name in names]
            pool.place(self._device, self._dtype)


def _started(network: nn.Module, config: CycleganTrainingConfig) -> nn.Module:
    initialise(network, config.init)
    return network


def _check(config: CycleganTrainingConfig) -> None:
    if config.gen.norm == "batch":
        raise UsageError(
            "gen.norm = 'batch' cannot be trained: a picture's loss would depend on those beside it",
            hint="Leave gen.norm at 'instance', which all published models have.",
        )
    if config.gen.norm == "instance" and not config.gen.bias:
        raise UsageError(
            "gen.bias = false cannot be trained with gen.norm = 'instance': the model's weights would look like those "
            "of one without norms, and could not be loaded again",
            hint="Type `--set gen.bias=true`, as the original has it.",
        )
    if config.gen.dropout:
        raise UsageError(
            "gen.dropout cannot be trained: it would make results depend on the device and on the number of processes",
            hint="Leave it out; the original trains CycleGAN without (--no_dropout).",
        )
    if not 0 <= config.lr_decay_share <= 1:
        raise UsageError(f"lr_decay_share is {config.lr_decay_share}; it is a share, from 0 to 1")
    # The discriminator needs 2 x 2 positions before its last layer.
    smallest = max(minimum_side(config.gen.n_downsampling), 3 * 2**config.n_layers)
    step = multiple(config.gen.n_downsampling)
    for side in ("crop_height", "crop_width"):
        length = getattr(config.data, side)
        if length % step or length < smallest:
            raise UsageError(
                f"data.{side} is {length}; CycleGAN needs a multiple of {step}, and at least {smallest} with "
                f"n_layers = {config.n_layers}",
                hint=f"Take {max(smallest, length // step * step)}.",
            )
