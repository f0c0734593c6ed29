"""UNIT's generator as the authors' later release has it (arXiv 1703.00848, Sec. 3), with its state-dict keys."""

from torch import Tensor, nn

from imgxlate.methods.unit.config import UnitConfig
from imgxlate.nn.autoencoder import ContentEncoder, Decoder


class Generator(nn.Module):
    """The variational auto-encoder of one domain: picture to latent code, and back."""

    def __init__(self, config: UnitConfig) -> None:
        super().__init__()
        self.enc = ContentEncoder(
            config.dim,
            n_downsample=config.n_downsample,
            n_res=config.n_res,
            norm=config.norm,
            activ=config.activ,
            pad_type=config.pad_type,
        )
        self.dec = Decoder(
            config.dim,
            n_upsample=config.n_downsample,
            n_res=config.n_res,
            norm=config.norm,
            activ=config.activ,
            pad_type=config.pad_type,
        )

    def encode(self, x: Tensor) -> Tensor:
        """The mean of the latent code's distribution N(mean, I) for pictures (B, 3, H, W) in [-1, 1]."""
        mean: Tensor = self.enc(x)
        return mean

    def decode(self, latent: Tensor) -> Tensor:
        """The picture (B, 3, H, W) in [-1, 1] of a latent code (B, C, h, w)."""
        picture: Tensor = self.dec(latent)
        return picture
