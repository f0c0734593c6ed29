"""CycleGAN's generator and discriminator (arXiv 1703.10593, Appendix 7.2), with the original's state-dict keys."""

from collections.abc import Iterable
from itertools import chain, pairwise

from torch import Tensor, nn

from imgxlate.methods.cyclegan.config import CycleganConfig, CycleganTrainingConfig
from imgxlate.nn.blocks import UpsampledConvBlock
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.norms import make_norm, norm_stages
from imgxlate.nn.stages import Residual, Stage, convolution


def first_block(n_downsampling: int) -> int:
    """The index of the first residual block among the layers: 10 in the original, which downsamples twice."""
    return 4 + 3 * n_downsampling


def stride(config: CycleganConfig) -> int:
    """Height and width must be multiples of this, or the output is larger than the input."""
    return int(2**config.n_downsampling)


def minimum_side(config: CycleganConfig) -> int:
    """The shortest side of an image, in pixels: reflection and norms need 2 x 2 positions in the residual blocks."""
    return 2 * stride(config)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose output is added to the input."""

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

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        return [Residual(_stages(self.conv_block))]


class Generator(nn.Module):
    """Image (B, 3, H, W) of one domain to an image of the other, both in [-1, 1]. H and W are multiples of `stride`."""

    def __init__(self, config: CycleganConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.ngf * 2**step for step in range(config.n_downsampling + 1)]
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normalized(Conv2d(3, config.ngf, 7, bias=config.bias), config),
            *chain.from_iterable(_downsampled(width, config) for width in widths[:-1]),
            *(ResidualBlock(widths[-1], config) for _ in range(config.n_blocks)),
            *chain.from_iterable(_upsampled(width, config) for width in widths[:0:-1]),
            nn.ReflectionPad2d(3),
            Conv2d(config.ngf, 3, 7),
            nn.Tanh(),
        )

    @property
    def residual_blocks(self) -> list[ResidualBlock]:
        """The residual blocks, from the first to the last."""
        return [layer for layer in self.model if isinstance(layer, ResidualBlock)]

    def forward(self, x: Tensor) -> Tensor:
        """Translate."""
        y: Tensor = self.model(x)
        return y

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        return _stages(self.model)


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


def _normalized(convolution: Conv2d | nn.ConvTranspose2d, config: CycleganConfig) -> list[nn.Module]:
    return [convolution, make_norm(config.norm, convolution.out_channels), nn.ReLU(inplace=True)]


def _downsampled(channels: int, config: CycleganConfig) -> list[nn.Module]:
    """Layers that halve height and width, and double the channels."""
    return _normalized(Conv2d(channels, 2 * channels, 3, 2, 1, bias=config.bias), config)


def _upsampled(channels: int, config: CycleganConfig) -> list[nn.Module]:
    """Layers that double height and width, and halve the channels."""
    if config.upsampling == "nearest":
        norm = make_norm(config.norm, channels // 2)
        return [UpsampledConvBlock(channels, channels // 2, norm=norm, activ="relu", pad_type="reflect")]
    return _normalized(nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, 1, bias=config.bias), config)


def _stages(parts: Iterable[nn.Module]) -> list[Stage]:
    """The description of modules that follow each other."""
    found: list[Stage] = []
    padding: nn.ReflectionPad2d | None = None
    channels = 3
    for part in parts:
        if isinstance(part, ResidualBlock | UpsampledConvBlock):
            found += part.stages()
        elif isinstance(part, nn.ReflectionPad2d):
            padding = part  # Reflection belongs to the convolution that follows.
        elif isinstance(part, Conv2d | nn.ConvTranspose2d):
            channels = part.out_channels
            width = padding.padding[0] if padding else int(part.padding[0])
            found.append(convolution(part, width, nn.Sequential(padding, part) if padding else part))
            padding = None
        else:
            found += norm_stages(part, channels)
    return found
