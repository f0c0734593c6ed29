"""CycleGAN's generator and discriminator (arXiv 1703.10593, Appendix 7.2), with the original's state-dict keys."""

from itertools import pairwise

from torch import Tensor, nn

from imgxlate.methods.cyclegan.config import CycleganConfig, CycleganTrainingConfig
from imgxlate.nn.blocks import Conv2d, UpsampledConvBlock
from imgxlate.nn.norms import make_norm

FIRST_BLOCK = 10  # place of the first residual block among the layers


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose result is added to what went in."""

    def __init__(self, channels: int, config: CycleganConfig) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            Conv2d(channels, channels, 3, bias=config.bias),
            make_norm(config.norm, channels),
            nn.ReLU(inplace=True),
            *([nn.Dropout(0.5)] if config.dropout else []),
            nn.ReflectionPad2d(1),
            Conv2d(channels, channels, 3, bias=config.bias),
            make_norm(config.norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W)."""
        y: Tensor = self.conv_block(x)
        return x + y


class Generator(nn.Module):
    """Picture (B, 3, H, W) of one domain to a picture of the other, both in [-1, 1]; H and W are multiples of 4."""

    def __init__(self, config: CycleganConfig) -> None:
        super().__init__()
        ngf = config.ngf
        self.upsampling = config.upsampling
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normalised(nn.Conv2d(3, ngf, 7, bias=config.bias), config),
            *_normalised(nn.Conv2d(ngf, 2 * ngf, 3, 2, 1, bias=config.bias), config),
            *_normalised(nn.Conv2d(2 * ngf, 4 * ngf, 3, 2, 1, bias=config.bias), config),
            *(ResidualBlock(4 * ngf, config) for _ in range(config.n_blocks)),
            *_upsampled(4 * ngf, config),
            *_upsampled(2 * ngf, config),
            nn.ReflectionPad2d(3),
            nn.Conv2d(ngf, 3, 7),
            nn.Tanh(),
        )

    @property
    def residual_blocks(self) -> list[ResidualBlock]:
        """The residual blocks, in the order in which they compute."""
        return [layer for layer in self.model if isinstance(layer, ResidualBlock)]

    def forward(self, x: Tensor) -> Tensor:
        """Translate."""
        y: Tensor = self.model(x)
        return y


class PatchDiscriminator(nn.Module):
    """Picture (B, 3, H, W) to a score for each of its overlapping patches, (B, 1, h, w): 1 is real."""

    def __init__(self, config: CycleganTrainingConfig) -> None:
        super().__init__()
        widths = [config.ndf * 2 ** min(layer, 3) for layer in range(config.n_layers + 1)]
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for layer, (width_in, width_out) in enumerate(pairwise(widths), 1):
            stride = 1 if layer == config.n_layers else 2
            layers += [
                nn.Conv2d(width_in, width_out, 4, stride, 1, bias=config.gen.bias),
                make_norm(config.gen.norm, width_out),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.model = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Judge."""
        scores: Tensor = self.model(x)
        return scores


def _normalised(convolution: nn.Conv2d | nn.ConvTranspose2d, config: CycleganConfig) -> list[nn.Module]:
    return [convolution, make_norm(config.norm, convolution.out_channels), nn.ReLU(inplace=True)]


def _upsampled(channels: int, config: CycleganConfig) -> list[nn.Module]:
    """Layers that double the sides and halve the channels."""
    if config.upsampling == "nearest":
        norm = make_norm(config.norm, channels // 2)
        return [UpsampledConvBlock(channels, channels // 2, norm=norm, activ="relu", pad_type="reflect")]
    return _normalised(nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, 1, bias=config.bias), config)
