"""CycleGAN's generator and discriminator (arXiv 1703.10593, Appendix 7.2), with the original's state-dict keys."""

from itertools import pairwise

from torch import Tensor, nn

from imgxlate.methods.cyclegan.config import CycleganConfig, CycleganTrainingConfig
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.norms import make_norm
from imgxlate.nn.resnet import ResnetGenerator


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


class PatchDiscriminator(nn.Module):
    """Image (B, 3, H, W) to scores (B, 1, h, w) of its overlapping patches, at one scale; 1 is real."""

    def __init__(self, config: CycleganTrainingConfig) -> None:
        super().__init__()
        widths = [config.ndf * 2 ** min(layer, 3) for layer in range(config.n_layers + 1)]
        layers: list[nn.Module] = [Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for layer, (width_in, width_out) in enumerate(pairwise(widths), 1):
            stride = 1 if layer == config.n_layers else 2
            layers += [
                Conv2d(width_in, width_out, 4, stride, 1, bias=config.gen.bias),
                make_norm(config.gen.norm, width_out),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.model = nn.Sequential(*layers, Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Score."""
        return [self.model(x)]
