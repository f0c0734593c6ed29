"""The networks of both domains, auto-encoders against discriminators, as MUNIT's and UNIT's training has them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from imgxlate.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from imgxlate.methods.discriminator_config import DiscriminatorConfig
from imgxlate.methods.perception import Perception
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.nn import running
from imgxlate.nn.discriminators import MultiScaleDiscriminator
from imgxlate.nn.initialisation import initialise
from imgxlate.nn.kinds import Init
from imgxlate.nn.precision import at_least_float32

Pictures = Mapping[Domain, Tensor]
"""A batch (B, 3, H, W) of each domain, in [-1, 1]."""

Losses = dict[str, Tensor]
"""Losses by the originals' names without `loss_`, without axes."""

Generator = TypeVar("Generator", bound=nn.Module)


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
        return running.run(network, *inputs, lowered=self.lowered)

    def run_together(self, network: Callable[..., Tensor], *parts: Sequence[Tensor]) -> Sequence[Tensor]:
        """What `network` makes of each of `parts`, the inputs of one call; all go through it as one batch.

        No network here lets pictures of a batch depend on each other.
        """
        return running.run_together(network, *parts, lowered=self.lowered)

    def scores(self, domain: Domain, pictures: Tensor) -> list[Tensor]:
        """What the discriminator of `domain` holds of `pictures`, at each scale."""
        return self._judge(self.discriminators[domain], pictures)

    def adversarial_loss(self, domain: Domain, made: Tensor) -> Tensor:
        """How badly `made` pass for pictures of `domain`, summed over the scales (MUNIT, Eq. 4)."""
        return _sum([generator_loss(scores, self._gan) for scores in self.scores(domain, made)])

    def discriminator_loss(self, domain: Domain, pictures: Tensor, made: Tensor) -> Tensor:
        """How badly the discriminator tells `pictures` of its domain from `made` ones, summed over the scales."""
        sizes = [len(pictures), len(made)]
        scales = (torch.split(scores, sizes) for scores in self.scores(domain, torch.cat([pictures, made])))
        return _sum([discriminator_loss(real, fake, self._gan) for real, fake in scales])

    def gradient_penalty(self, domain: Domain, pictures: Tensor) -> Tensor:
        """How steeply the discriminator's scores change with `pictures` of its domain, summed over the scales (R1)."""
        pictures = pictures.detach().requires_grad_()
        # `forward` itself is never compiled: torch's compiler has no gradients of gradients.
        return gradient_penalty(self._judge(self.discriminators[domain].forward, pictures), pictures)

    def perceptual_losses(self, made: Pictures, sources: Pictures) -> dict[Domain, Tensor]:
        """How far the made pictures of each domain are from those of the other that they were made of."""
        if self.perception is None:
            return {domain: made[domain].new_zeros(()) for domain in DOMAINS}
        losses = self.perception([made[domain] for domain in DOMAINS], [sources[OTHER[domain]] for domain in DOMAINS])
        return dict(zip(DOMAINS, losses, strict=True))

    def _judge(self, discriminator: Callable[[Tensor], list[Tensor]], pictures: Tensor) -> list[Tensor]:
        with running.autocast(pictures.device, lowered=self.lowered):
            return [at_least_float32(scores) for scores in discriminator(pictures)]


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


def _sum(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()
