"""A discriminator that also judges images by the features of a network that does not learn."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from imgxlate.images.pixel_format import Shown
from imgxlate.images.tensors import as_color
from imgxlate.nn.precision import at_least_float32, without_autocast
from imgxlate.nn.spectral import normalize_spectrally
from imgxlate.nn.vgg import Vgg

LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")
"""The layers of VGG-19 whose features are judged: the last one of each size."""

SMALLEST_SIDE = 16
"""The shortest side of an image, in pixels: it is halved four times before the last of `LAYERS`."""

_WIDTH = 64  # channels of what is scored; chosen here
_SLOPE = 0.2  # of the leaky ReLU


class FeatureDiscriminator(nn.Module):
    """Scores images by pixels, as another discriminator does, and by their features in a fixed VGG network.

    A discriminator of features learns from far fewer images than one of pixels alone (Projected GAN, arXiv 2111.01007,
    Sec. 3; Vision-aided GAN, arXiv 2112.09130, keeps one of pixels beside it). The features of each layer are mixed by
    a 1 x 1 convolution, and those of the deeper layers are added and mixed by a 3 x 3 convolution; both have random
    weights that do not learn. A small network with spectral norm scores each result.

    Args:
        pixels: the discriminator of pixels.
        network: the VGG network. It is not part of the state.
        shown: the channels of an image that the network sees as colors.
    """

    def __init__(self, pixels: nn.Module, network: Vgg, shown: Shown | None = None) -> None:
        super().__init__()
        network.require(LAYERS)
        self.pixels = pixels
        self._networks = (network,)  # A module in a tuple is no part of this one.
        self._shown = shown
        widths = [network.channels[layer.replace("relu", "conv")] for layer in LAYERS]
        self.across_channels = nn.ModuleList(RandomConvolution(width, _WIDTH, 1) for width in widths)
        self.across_layers = nn.ModuleList(RandomConvolution(_WIDTH, _WIDTH, 3) for _ in LAYERS)
        self.heads = nn.ModuleList(_head() for _ in LAYERS)

    @property
    def network(self) -> Vgg:
        """The VGG network."""
        return self._networks[0]

    def forward(self, x: Tensor) -> list[Tensor]:
        """Scores (B, 1, h, w) of images (B, C, H, W) in [-1, 1]: those of pixels, then of each layer, deepest first."""
        with without_autocast(x.device):  # Rounded features are not good enough: see `PerceptualLoss`.
            features = self.network(as_color(x, self._shown), LAYERS)
        scores: list[Tensor] = self.pixels(x)
        deeper: Tensor | None = None
        for index, layer in reversed([*enumerate(LAYERS)]):
            mixed = self.across_channels[index](_normalized(features[layer]))
            if deeper is not None:
                larger = functional.interpolate(deeper, mixed.shape[2:], mode="bilinear")
                mixed = (mixed + larger) / 2**0.5
            deeper = self.across_layers[index](mixed)
            scores = [*scores, self.heads[index](deeper)]
        return scores


class RandomConvolution(nn.Module):
    """A convolution without a bias whose random weights do not learn; it keeps the variance of its input."""

    weight: Tensor

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int) -> None:
        super().__init__()
        weight = torch.empty(channels_out, channels_in, kernel_size, kernel_size)
        self.register_buffer("weight", nn.init.kaiming_normal_(weight, nonlinearity="linear"))
        self._padding = kernel_size // 2

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, channels_out, H, W) of features (B, channels_in, H, W)."""
        return functional.conv2d(x, self.weight, padding=self._padding)


def _head() -> nn.Sequential:
    """A network that scores features (B, 64, H, W), at half their height and width."""
    return normalize_spectrally(
        nn.Sequential(
            nn.Conv2d(_WIDTH, _WIDTH, 3, stride=2, padding=1),
            nn.LeakyReLU(_SLOPE, inplace=True),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.LeakyReLU(_SLOPE, inplace=True),
            nn.Conv2d(_WIDTH, 1, 1),
        )
    )


def _normalized(features: Tensor) -> Tensor:
    """Features (B, C, h, w) divided by their root mean square over each image, in float32 at least."""
    features = at_least_float32(features)
    return features * torch.rsqrt(features.square().mean((1, 2, 3), keepdim=True) + 1e-6)
