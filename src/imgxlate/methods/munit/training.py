"""MUNIT's training: both generators against both discriminators."""

from typing import Self

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.munit.config import MunitConfig, MunitTrainingConfig
from imgxlate.methods.munit.networks import Generator, minimum_side
from imgxlate.methods.munit.objective import Codes, MunitObjective
from imgxlate.methods.pair_networks import Networks, make_discriminators, make_generators
from imgxlate.methods.pair_training import PairTraining, require_trainable
from imgxlate.methods.perception import Perception
from imgxlate.methods.schedules import step_decay
from imgxlate.nn.initialisation import seeded


class MunitTraining(PairTraining[Generator, Codes]):
    """A MUNIT model in training."""

    def __init__(self, config: MunitTrainingConfig, networks: Networks[Generator]) -> None:
        super().__init__(
            config,
            networks,
            MunitObjective(config, networks),
            gan_w=config.gan_w,
            r1_w=config.dis.r1_w,
            schedule=step_decay(config.lr_policy, config.step_size, config.gamma),
            compilable=[
                part
                for generator in networks.generators.values()
                for part in (generator.enc_style, generator.enc_content, generator.dec)
            ],
        )
        self.config = config

    @classmethod
    def create(cls, config: MunitTrainingConfig, features: Checkpoint | None) -> Self:
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
        return cls(config, Networks(generators, discriminators, perception, config.dis))

    def architecture(self) -> MunitConfig:
        """The configuration of the generators."""
        return self.config.gen
