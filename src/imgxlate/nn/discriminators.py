"""Discriminators that score patches of an image, with the originals' state-dict keys."""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn import Activation, DiscriminatorNorm, NormKind, Padding
from imgxlate.nn.antialiasing import BlurredDownsampling
from imgxlate.nn.blocks import ConvBlock
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.norms import InstanceNorm, LayerNorm, make_norm

_NORMS: dict[DiscriminatorNorm, Callable[[int], nn.Module | None]] = {
    "none": lambda channels: None,
    "instance": lambda channels: InstanceNorm(channels, affine=False),
    "layer": LayerNorm,
    "spectral": lambda channels: None,  # `normalize_spectrally` acts on the weights, once they are drawn.
}


class MultiScaleDiscriminator(nn.Module):
    """MUNIT's and UNIT's discriminator: networks that see the image at full, half, quarter ... size.

    arXiv 1804.04732, Sec. 5.1 and Appendix B.2, after arXiv 1711.11585, Sec. 3.2; NVlabs/MUNIT, networks.py:18-83. Each
    halves height and width `n_layer` times, doubles the channels, and scores every position of the result.
    """

    def __init__(
        self,
        dim: int,  # channels after the first convolution
        *,
        n_layer: int,
        num_scales: int,
        norm: DiscriminatorNorm,  # after every convolution but the first
        activ: Activation,
        pad_type: Padding,
        channels: int = 3,  # of images
    ) -> None:
        super().__init__()

        def network() -> nn.Sequential:
            layers: list[nn.Module] = [ConvBlock(channels, dim, 4, stride=2, activ=activ, pad_type=pad_type)]
            for width in (dim * 2**step for step in range(n_layer - 1)):
                wider = _NORMS[norm](2 * width)
                layers.append(ConvBlock(width, 2 * width, 4, stride=2, norm=wider, activ=activ, pad_type=pad_type))
            return nn.Sequential(*layers, nn.Conv2d(dim * 2 ** (n_layer - 1), 1, 1))

        self.cnns = nn.ModuleList(network() for _ in range(num_scales))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Scores (B, 1, h, w) of images (B, C, H, W) in [-1, 1] at each scale, the finest first."""
        scores = []
        for index, network in enumerate(self.cnns):
            if index:
                x = functional.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            scores.append(network(x))
        return scores


def smallest_side(n_layer: int, num_scales: int, norm: DiscriminatorNorm) -> int:
    """The shortest side that `MultiScaleDiscriminator` takes, in pixels.

    Convolutions round halves down and need 2 positions to reflect; the pooling between scales rounds up. A norm needs
    2 positions in the last layer's output.
    """
    coarsest = 2 ** (n_layer + 1 if norm in ("instance", "layer") else n_layer)
    return int(2 ** (num_scales - 1) * (coarsest - 1) + 1)


class PatchDiscriminator(nn.Module):
    """CycleGAN's and CUT's discriminator: image (B, C, H, W) to scores (B, 1, h, w) of its overlapping patches.

    arXiv 1703.10593, Appendix 7.2. It halves height and width `n_layers` times; with 3, a patch has 70 x 70 pixels.
    """

    def __init__(
        self,
        ndf: int,  # channels after the first convolution; each of the next three doubles them
        *,
        n_layers: int,
        norm: NormKind,
        bias: bool,  # whether convolutions before a norm have a bias
        antialias: bool = False,  # whether halving blurs first; otherwise convolutions have a stride of 2
        channels: int = 3,  # of images
    ) -> None:
        super().__init__()

        def layer(width_in: int, width_out: int, *, normalized: bool, halve: bool) -> list[nn.Module]:
            stride = 2 if halve and not antialias else 1
            return [
                Conv2d(width_in, width_out, 4, stride, 1, bias=bias or not normalized),
                *([make_norm(norm, width_out)] if normalized else []),
                nn.LeakyReLU(0.2, inplace=True),
                *([BlurredDownsampling(width_out)] if halve and antialias else []),
            ]

        widths = [ndf * 2 ** min(index, 3) for index in range(n_layers + 1)]
        layers = layer(channels, ndf, normalized=False, halve=True)
        for index, (width_in, width_out) in enumerate(pairwise(widths), 1):
            layers += layer(width_in, width_out, normalized=True, halve=index < n_layers)
        self.model = nn.Sequential(*layers, Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """The scores, at one scale."""
        return [self.model(x)]
