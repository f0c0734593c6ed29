"""The generator of CycleGAN and CUT (arXiv 1703.10593, Appendix 7.2), with the originals' state-dict keys."""

from collections.abc import Iterable
from itertools import chain
from typing import Literal

from torch import Tensor, nn

from imgxlate.nn import NormKind, Upsampling
from imgxlate.nn.antialiasing import BlurredDownsampling, BlurredUpsampling
from imgxlate.nn.blocks import Repeat, UpsampledConvBlock
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.norms import make_norm, norm_stages, set_norm_statistics
from imgxlate.nn.stages import Residual, Stage, convolution


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose output is added to the input."""

    def __init__(self, channels: int, *, norm: NormKind, bias: bool, dropout: bool) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            Conv2d(channels, channels, 3, bias=bias),
            make_norm(norm, channels),
            nn.ReLU(inplace=True),
            *([nn.Dropout(0.5)] if dropout else []),
            nn.ReflectionPad2d(1),
            Conv2d(channels, channels, 3, bias=bias),
            make_norm(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W)."""
        y: Tensor = self.conv_block(x)
        return x + y

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        return [Residual(_stages(self.conv_block))]


class ResnetGenerator(nn.Module):
    """Image (B, C, H, W) of one domain to an image (B, C', H, W) of the other, both in [-1, 1].

    H and W are multiples of `stride`, and at least `minimum_side`.
    """

    def __init__(
        self,
        ngf: int,  # channels after the first convolution; each downsampling doubles them
        *,
        n_blocks: int,  # residual blocks
        n_downsampling: int,  # how often height and width are halved before the residual blocks
        norm: NormKind,
        bias: bool,  # whether convolutions before a norm have a bias
        dropout: bool,  # whether the residual blocks were trained with dropout
        downsampling: Literal["strided", "blurred"],
        upsampling: Upsampling | Literal["blurred"],
        channels_in: int = 3,  # of images
        channels_out: int = 3,
    ) -> None:
        super().__init__()
        self.stride = 2**n_downsampling
        self.minimum_side = 2 * self.stride  # Reflection and norms need 2 x 2 positions in the residual blocks.

        def normalized(convolution: Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
            return [convolution, make_norm(norm, convolution.out_channels), nn.ReLU(inplace=True)]

        def down(channels: int) -> list[nn.Module]:
            """Layers that halve height and width, and double the channels."""
            if downsampling == "blurred":
                return [
                    *normalized(Conv2d(channels, 2 * channels, 3, 1, 1, bias=bias)),
                    BlurredDownsampling(2 * channels),
                ]
            return normalized(Conv2d(channels, 2 * channels, 3, 2, 1, bias=bias))

        def up(channels: int) -> list[nn.Module]:
            """Layers that double height and width, and halve the channels."""
            half = channels // 2
            if upsampling == "blurred":
                return [BlurredUpsampling(channels), *normalized(Conv2d(channels, half, 3, 1, 1, bias=bias))]
            if upsampling == "resize":
                return [Repeat(channels), *normalized(Conv2d(channels, half, 3, 1, 1, bias=bias))]
            if upsampling == "nearest":
                return [
                    UpsampledConvBlock(channels, half, norm=make_norm(norm, half), activ="relu", pad_type="reflect")
                ]
            return normalized(nn.ConvTranspose2d(channels, half, 3, 2, 1, 1, bias=bias))

        widths = [ngf * 2**step for step in range(n_downsampling + 1)]
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            *normalized(Conv2d(channels_in, ngf, 7, bias=bias)),
            *chain.from_iterable(map(down, widths[:-1])),
            *(ResidualBlock(widths[-1], norm=norm, bias=bias, dropout=dropout) for _ in range(n_blocks)),
            *chain.from_iterable(map(up, widths[:0:-1])),
            nn.ReflectionPad2d(3),
            Conv2d(ngf, channels_out, 7),
            nn.Tanh(),
        )
        # The originals' test programs stay in training mode unless `--eval` is given (test.py), with batches of 1.
        set_norm_statistics(self, "image")

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


def _stages(parts: Iterable[nn.Module]) -> list[Stage]:
    """The description of modules that follow each other."""
    found: list[Stage] = []
    padding: nn.ReflectionPad2d | None = None
    channels = 0  # A norm follows a convolution.
    for part in parts:
        if isinstance(part, ResidualBlock | UpsampledConvBlock | Repeat | BlurredDownsampling | BlurredUpsampling):
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
