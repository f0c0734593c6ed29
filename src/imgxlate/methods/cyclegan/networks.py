"""CycleGAN's generator and discriminator (arXiv 1703.10593, Appendix 7.2), with the original's state-dict keys."""

from imgxlate.methods.cyclegan.config import CycleganConfig, CycleganTrainingConfig
from imgxlate.methods.spec import OTHER, Domain
from imgxlate.nn.discriminators import PatchDiscriminator
from imgxlate.nn.resnet import ResnetGenerator
from imgxlate.nn.unet import UnetGenerator


class Generator(ResnetGenerator):
    """Image (B, C, H, W) of a domain to an image (B, C', H, W) of the other, both in [-1, 1]."""

    def __init__(self, config: CycleganConfig, domain: Domain = "A") -> None:
        super().__init__(
            config.ngf,
            n_blocks=config.n_blocks,
            n_downsampling=config.n_downsampling,
            norm=config.norm,
            bias=config.bias,
            dropout=config.dropout,
            downsampling="strided",
            upsampling=config.upsampling,
            channels_in=config.channels(domain),
            channels_out=config.channels(OTHER[domain]),
        )
        self.config = config


class Unet(UnetGenerator):
    """Image (B, C, H, W) of a domain to an image (B, C', H, W) of the other, both in [-1, 1]."""

    def __init__(self, config: CycleganConfig, domain: Domain = "A") -> None:
        super().__init__(
            config.ngf,
            n_downsampling=config.n_downsampling,
            norm=config.norm,
            bias=config.bias,
            channels_in=config.channels(domain),
            channels_out=config.channels(OTHER[domain]),
        )
        self.config = config


AnyGenerator = Generator | Unet


def make_generator(config: CycleganConfig, domain: Domain = "A") -> AnyGenerator:
    """A generator of the kind that the configuration names, for images of `domain`."""
    return Unet(config, domain) if config.network == "unet" else Generator(config, domain)


def make_discriminator(config: CycleganTrainingConfig, domain: Domain = "B") -> PatchDiscriminator:
    """A discriminator of images of `domain`, which has the generators' norm."""
    gen = config.gen
    return PatchDiscriminator(
        config.ndf, n_layers=config.n_layers, norm=gen.norm, bias=gen.bias, channels=gen.channels(domain)
    )
