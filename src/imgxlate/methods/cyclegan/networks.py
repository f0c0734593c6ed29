"""CycleGAN's generator and discriminator (arXiv 1703.10593, Appendix 7.2), with the original's state-dict keys."""

from imgxlate.methods.cyclegan.config import CycleganConfig, CycleganTrainingConfig
from imgxlate.nn.discriminators import PatchDiscriminator
from imgxlate.nn.resnet import ResnetGenerator
from imgxlate.nn.unet import UnetGenerator


class Generator(ResnetGenerator):
    """Image (B, 3, H, W) of one domain to an image of the other, both in [-1, 1]."""

    def __init__(self, config: CycleganConfig) -> None:
        super().__init__(
            config.ngf,
            n_blocks=config.n_blocks,
            n_downsampling=config.n_downsampling,
            norm=config.norm,
            bias=config.bias,
            dropout=config.dropout,
            downsampling="strided",
            upsampling=config.upsampling,
        )
        self.config = config


class Unet(UnetGenerator):
    """Image (B, 3, H, W) of one domain to an image of the other, both in [-1, 1]."""

    def __init__(self, config: CycleganConfig) -> None:
        super().__init__(config.ngf, n_downsampling=config.n_downsampling, norm=config.norm, bias=config.bias)
        self.config = config


AnyGenerator = Generator | Unet


def make_generator(config: CycleganConfig) -> AnyGenerator:
    """A generator of the kind that the configuration names."""
    return Unet(config) if config.network == "unet" else Generator(config)


def make_discriminator(config: CycleganTrainingConfig) -> PatchDiscriminator:
    """A discriminator, which has the generators' norm."""
    return PatchDiscriminator(config.ndf, n_layers=config.n_layers, norm=config.gen.norm, bias=config.gen.bias)
