"""Discriminators that score patches of an image, with the originals' state-dict keys."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn import Activation, DiscriminatorNorm, Padding
from imgxlate.nn.blocks import ConvBlock
from imgxlate.nn.norms import InstanceNorm, LayerNorm

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
    ) -> None:
        super().__init__()

        def network() -> nn.Sequential:
            layers: list[nn.Module] = [ConvBlock(3, dim, 4, stride=2, activ=activ, pad_type=pad_type)]
            for width in (dim * 2**step for step in range(n_layer - 1)):
                wider = _NORMS[norm](2 * width)
                layers.append(ConvBlock(width, 2 * width, 4, stride=2, norm=wider, activ=activ, pad_type=pad_type))
            return nn.Sequential(*layers, nn.Conv2d(dim * 2 ** (n_layer - 1), 1, 1))

        self.cnns = nn.ModuleList(network() for _ in range(num_scales))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Scores (B, 1, h, w) of images (B, 3, H, W) in [-1, 1] at each scale, the finest first."""
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
