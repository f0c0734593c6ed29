"""CUT's networks (arXiv 2007.15651, Secs. 3 and 4), with the original's state-dict keys."""

from collections.abc import Sequence

from torch import Tensor, nn

from imgxlate.losses.contrastive import unit_vectors
from imgxlate.methods.cut.config import CutConfig, CutTrainingConfig
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.discriminators import PatchDiscriminator
from imgxlate.nn.precision import at_least_float32
from imgxlate.nn.resnet import ResnetGenerator


class Generator(ResnetGenerator):
    """G: image (B, C, H, W) of A to an image (B, C', H, W) of B, both in [-1, 1]."""

    def __init__(self, config: CutConfig) -> None:
        super().__init__(
            config.ngf,
            n_blocks=config.n_blocks,
            n_downsampling=config.n_downsampling,
            norm=config.norm,
            bias=config.bias,
            dropout=config.dropout,
            downsampling="blurred" if config.antialias else "strided",
            upsampling="blurred" if config.antialias_up else "transposed",
            channels_in=config.channels_a,
            channels_out=config.channels_b,
        )
        self.config = config


class Encoder(nn.Module):
    """The first layers of a generator, up to the last of `layers`. Both have the same weights."""

    def __init__(self, generator: Generator, layers: Sequence[int]) -> None:
        super().__init__()
        self.layers = tuple(layers)  # increasing indices
        self._channels = generator.config.channels_a
        end = layers[-1] + 1
        # A ReLU changes its input in place, so the features are its output.
        end += isinstance(generator.model[end], nn.ReLU)
        self.model = nn.Sequential(*list(generator.model)[:end])

    @property
    def widths(self) -> list[int]:
        """The channels of the outputs."""
        channels, widths = self._channels, []
        for layer in self.model:
            channels = layer.out_channels if isinstance(layer, Conv2d) else channels
            widths.append(channels)
        return [widths[index] for index in self.layers]

    def forward(self, x: Tensor) -> list[Tensor]:
        """The outputs of the layers for images (B, C, H, W), each (B, C', h, w)."""
        outputs = []
        for index, layer in enumerate(self.model):
            x = layer(x)
            if index in self.layers:
                outputs.append(x)
        return outputs


class Projections(nn.Module):
    """F: for each layer of the encoder, a perceptron from features to the vectors that are contrasted."""

    def __init__(self, widths: Sequence[int], dim: int) -> None:
        super().__init__()
        for index, width in enumerate(widths):
            self.add_module(f"mlp_{index}", nn.Sequential(nn.Linear(width, dim), nn.ReLU(), nn.Linear(dim, dim)))

    def forward(self, samples: Sequence[Tensor]) -> list[Tensor]:
        """Map the samples (B, N, C) of each layer to unit vectors (B, N, dim), in float32 at least."""
        pairs = zip(self.children(), samples, strict=True)
        return [unit_vectors(at_least_float32(head(features))) for head, features in pairs]


def make_discriminator(config: CutTrainingConfig) -> PatchDiscriminator:
    """D, which has the generator's norm and its anti-aliasing."""
    gen = config.gen
    return PatchDiscriminator(
        config.ndf,
        n_layers=config.n_layers,
        norm=gen.norm,
        bias=gen.bias,
        antialias=gen.antialias,
        channels=gen.channels_b,
    )
