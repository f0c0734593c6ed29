"""The content encoder and the decoder that MUNIT and UNIT share, with the originals' state-dict keys."""

from collections.abc import Callable
from itertools import chain
from typing import cast

from torch import Tensor, nn

from imgxlate.nn import Activation, NormKind, Padding
from imgxlate.nn.blocks import ConvBlock, UpsampledConvBlock
from imgxlate.nn.norms import AdaptiveInstanceNorm, LayerNorm, make_norm
from imgxlate.nn.stages import Residual, Stage, stages_of


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose output is added to the input."""

    def __init__(
        self, channels: int, *, norm: Callable[[int], nn.Module], activ: Activation, pad_type: Padding
    ) -> None:
        super().__init__()
        first = ConvBlock(channels, channels, 3, norm=norm(channels), activ=activ, pad_type=pad_type)
        second = ConvBlock(channels, channels, 3, norm=norm(channels), activ="none", pad_type=pad_type)
        self.model = nn.ModuleList([first, second])

    def forward(self, x: Tensor, adain: Tensor | None = None) -> Tensor:
        """Map (B, C, H, W); `adain` (B, 2, 2, C) are the parameters of the two adaptive norms."""
        first, second = (None, None) if adain is None else adain.unbind(1)
        change: Tensor = self.model[1](self.model[0](x, first), second)
        return x + change

    def stages(self, adain: Tensor | None = None) -> list[Stage]:
        """The stages, for computing in bands; `adain` (1, 2, 2, C)."""
        parameters = (None, None) if adain is None else adain.unbind(1)
        blocks = (cast(ConvBlock, block).stages(own) for block, own in zip(self.model, parameters, strict=True))
        return [Residual(list(chain.from_iterable(blocks)))]


class ResidualBlocks(nn.Module):
    """A chain of residual blocks."""

    def __init__(
        self, blocks: int, channels: int, *, norm: Callable[[int], nn.Module], activ: Activation, pad_type: Padding
    ) -> None:
        super().__init__()
        self.model = nn.ModuleList(
            ResidualBlock(channels, norm=norm, activ=activ, pad_type=pad_type) for _ in range(blocks)
        )

    def forward(self, x: Tensor, adain: Tensor | None = None) -> Tensor:
        """Map (B, C, H, W); `adain` (B, 2 blocks, 2, C) are the parameters of the adaptive norms, in their order."""
        for index, block in enumerate(self.model):
            x = block(x, _part(adain, index))
        return x

    def stages(self, adain: Tensor | None = None) -> list[Stage]:
        """The stages, for computing in bands; `adain` (1, 2 blocks, 2, C)."""
        blocks = (cast(ResidualBlock, block).stages(_part(adain, index)) for index, block in enumerate(self.model))
        return list(chain.from_iterable(blocks))


def _part(adain: Tensor | None, block: int) -> Tensor | None:
    """The parameters of a residual block's adaptive norms."""
    return None if adain is None else adain[:, 2 * block : 2 * block + 2]


class ContentEncoder(nn.Module):
    """Image (B, C, H, W) to content code (B, dim 2^n_downsample, H / 2^n_downsample, W / 2^n_downsample)."""

    def __init__(
        self,
        dim: int,  # channels after the first convolution; each downsampling doubles them
        *,
        n_downsample: int,
        n_res: int,  # residual blocks
        norm: NormKind,
        activ: Activation,
        pad_type: Padding,
        channels: int = 3,  # of images
    ) -> None:
        super().__init__()

        def make(channels: int) -> nn.Module:
            return make_norm(norm, channels)

        layers: list[nn.Module] = [ConvBlock(channels, dim, 7, norm=make(dim), activ=activ, pad_type=pad_type)]
        for _ in range(n_downsample):
            layers.append(ConvBlock(dim, 2 * dim, 4, stride=2, norm=make(2 * dim), activ=activ, pad_type=pad_type))
            dim *= 2
        layers.append(ResidualBlocks(n_res, dim, norm=make, activ=activ, pad_type=pad_type))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Encode (B, C, H, W) in [-1, 1]."""
        code: Tensor = self.model(x)
        return code

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        return stages_of(self.model)


class Decoder(nn.Module):
    """Content code (B, dim 2^n_upsample, h, w) to image (B, C, h 2^n_upsample, w 2^n_upsample) in [-1, 1]."""

    def __init__(
        self,
        dim: int,  # channels before the last convolution; each upsampling halves them
        *,
        n_upsample: int,
        n_res: int,  # residual blocks
        norm: NormKind | None,  # of the residual blocks; None: adaptive, its parameters come with the code
        activ: Activation,
        pad_type: Padding,
        channels: int = 3,  # of images
    ) -> None:
        super().__init__()

        def make(channels: int) -> nn.Module:
            return AdaptiveInstanceNorm(channels) if norm is None else make_norm(norm, channels)

        width = dim * 2**n_upsample
        layers: list[nn.Module] = [ResidualBlocks(n_res, width, norm=make, activ=activ, pad_type=pad_type)]
        for _ in range(n_upsample):
            half = width // 2
            up = UpsampledConvBlock(width, half, norm=LayerNorm(half), activ=activ, pad_type=pad_type)
            layers += [nn.Identity(), up]  # The originals count the upsampling as a layer of its own.
            width = half
        layers.append(ConvBlock(dim, channels, 7, activ="tanh", pad_type=pad_type))
        self.model = nn.ModuleList(layers)

    @property
    def residual_blocks(self) -> list[nn.Module]:
        """The residual blocks, from the first to the last."""
        return [part for part in self.model[0].modules() if isinstance(part, ResidualBlock)]

    def forward(self, content: Tensor, adain: Tensor | None = None) -> Tensor:
        """Decode; `adain` (B, 2 n_res, 2, width) are the parameters of the adaptive norms."""
        x: Tensor = self.model[0](content, adain)
        for layer in self.model[1:]:
            x = layer(x)
        return x

    def stages(self, adain: Tensor | None = None) -> list[Stage]:
        """The stages, for computing in bands; `adain` (1, 2 n_res, 2, width)."""
        blocks, *rest = (part for part in self.model if not isinstance(part, nn.Identity))
        return [*cast(ResidualBlocks, blocks).stages(adain), *stages_of(rest)]
