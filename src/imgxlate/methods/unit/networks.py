"""UNIT's generator as the authors' later release has it (arXiv 1703.00848, Sec. 3), with its state-dict keys."""

from typing import cast

from torch import Tensor, nn

from imgxlate.methods.spec import Domain
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.nn.autoencoder import ContentEncoder, Decoder, ResidualBlocks


class Generator(nn.Module):
    """The variational autoencoder of one domain: image to latent code, and back."""

    def __init__(self, config: UnitConfig, domain: Domain = "A") -> None:
        super().__init__()
        channels = config.channels(domain)
        self.enc = ContentEncoder(
            config.dim,
            n_downsample=config.n_downsample,
            n_res=config.n_res,
            norm=config.norm,
            activ=config.activ,
            pad_type=config.pad_type,
            channels=channels,
        )
        self.dec = Decoder(
            config.dim,
            n_upsample=config.n_downsample,
            n_res=config.n_res,
            norm=config.norm,
            activ=config.activ,
            pad_type=config.pad_type,
            channels=channels,
        )

    def encode(self, x: Tensor) -> Tensor:
        """The mean of the latent code's distribution N(mean, I) for images (B, C, H, W) in [-1, 1]."""
        mean: Tensor = self.enc(x)
        return mean

    def decode(self, latent: Tensor) -> Tensor:
        """The image (B, C, H, W) in [-1, 1] of a latent code (B, K, h, w)."""
        image: Tensor = self.dec(latent)
        return image


def minimum_side(config: UnitConfig) -> int:
    """The shortest side of an image that the networks take, in pixels.

    Reflection and instance norms need codes of 2 x 2 positions; the 7x7 convolutions reflect 3 pixels and need 4.
    """
    return int(max(2 * 2**config.n_downsample, 4))


def share_latent(first: Generator, second: Generator) -> None:
    """Share the last block of the encoders and the first of the decoders (arXiv 1703.00848, Sec. 3).

    Both generators keep them under their own names.
    """
    for ours, theirs, place in (
        (first.enc.model[-1], second.enc.model[-1], -1),
        (first.dec.model[0], second.dec.model[0], 0),
    ):
        cast(ResidualBlocks, theirs).model[place] = cast(ResidualBlocks, ours).model[place]
