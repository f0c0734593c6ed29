"""UNIT's training: both generators against both discriminators."""

from typing import Self

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.pair_networks import Networks, Pictures, make_discriminators, make_generators
from imgxlate.methods.pair_training import PairTraining, require_trainable
from imgxlate.methods.perception import Perception
from imgxlate.methods.schedules import step_decay
from imgxlate.methods.unit.config import UnitConfig, UnitTrainingConfig
from imgxlate.methods.unit.networks import Generator, minimum_side, share_latent
from imgxlate.methods.unit.objective import UnitObjective
from imgxlate.nn.initialisation import seeded


class UnitTraining(PairTraining[Generator, Pictures]):
    """A UNIT model in training."""

    def __init__(self, config: UnitTrainingConfig, networks: Networks[Generator]) -> None:
        super().__init__(
            config,
            networks,
            UnitObjective(config, networks),
            gan_w=config.gan_w,
            r1_w=config.dis.r1_w,
            schedule=step_decay(config.lr_policy, config.step_size, config.gamma),
            compilable=[part for generator in networks.generators.values() for part in (generator.enc, generator.dec)],
        )
        self.config = config

    @classmethod
    def create(cls, config: UnitTrainingConfig, features: Checkpoint | None) -> Self:
        """Networks with initial weights that follow from `config.seed`; `features` is what `config.features` names.

        Raises:
            UsageError: the crop is too small for the networks or no multiple of their stride, or a value cannot be.
            CheckpointError: `features` is no VGG network, or is needed and missing.
        """
        perception = Perception.load(config.vgg, features) if config.features else None
        side = minimum_side(config.gen)
        require_trainable(config.gen, config.dis, config.data, minimum_side=side, perception=perception)
        with seeded(config.seed):
            generators = make_generators(lambda: Generator(config.gen), config.init)
            discriminators = make_discriminators(config.dis)
        if config.share_latent:
            share_latent(generators["A"], generators["B"])
        return cls(config, Networks(generators, discriminators, perception, config.dis))

    def architecture(self) -> UnitConfig:
        """The configuration of the generators."""
        return self.config.gen
