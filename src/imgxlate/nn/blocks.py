"""The blocks that MUNIT's and UNIT's networks are built from, under the originals' parameter names."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from imgxlate.nn import Activation, Padding
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.norms import norm_stages
from imgxlate.nn.stages import Local, Stage, convolution, pointwise
from imgxlate.nn.upsampling import convolve_upsampled, pad

_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "lrelu": lambda: nn.LeakyReLU(0.2, inplace=True),
    "prelu": nn.PReLU,
    "selu": lambda: nn.SELU(inplace=True),
    "tanh": nn.Tanh,
    "none": nn.Identity,
}


def make_activation(kind: Activation) -> nn.Module:
    """The activation layer of that kind."""
    return _ACTIVATIONS[kind]()


class ConvBlock(nn.Module):
    """Pad, convolve, normalize, activate."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,  # side in positions; with the padding, stride 1 keeps the size and stride 2 halves it
        *,
        stride: int = 1,
        norm: nn.Module | None = None,  # None: no normalization
        activ: Activation = "relu",
        pad_type: Padding = "reflect",
    ) -> None:
        super().__init__()
        self.padding = (kernel - 1) // 2
        self.pad_type: Padding = pad_type
        self.conv = Conv2d(channels_in, channels_out, kernel, stride)
        self.norm = norm or nn.Identity()
        self.activation = make_activation(activ)

    def forward(self, x: Tensor, adain: Tensor | None = None) -> Tensor:
        """Map (B, C, H, W); `adain` (B, 2, C) are the parameters of an adaptive norm."""
        x = self._convolve(x)
        x = self.norm(x) if adain is None else self.norm(x, adain)
        y: Tensor = self.activation(x)
        return y

    def stages(self, adain: Tensor | None = None) -> list[Stage]:
        """The stages, for computing in bands."""
        channels = self.conv.out_channels
        return [
            convolution(self.conv, self.padding, self._convolve),
            *norm_stages(self.norm, channels, adain),
            pointwise(self.activation, channels),
        ]

    def _convolve(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(pad(x, self.padding, self.pad_type))
        return y


class Repeat(nn.Module):
    """Double height and width: repeat each position 2 x 2 times (nearest neighbor)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, 2 H, 2 W)."""
        return functional.interpolate(x, scale_factor=2.0, mode="nearest")

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        return [Local(self, self.channels, scale=2)]


class UpsampledConvBlock(nn.Module):
    """Double height and width (nearest neighbor), convolve with a 5x5 kernel, normalize, activate."""

    def __init__(
        self, channels_in: int, channels_out: int, *, norm: nn.Module, activ: Activation, pad_type: Padding
    ) -> None:
        super().__init__()
        self.pad_type: Padding = pad_type
        self.conv = Conv2d(channels_in, channels_out, 5)
        self.norm = norm
        self.activation = make_activation(activ)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', 2 H, 2 W)."""
        y: Tensor = self.activation(self.norm(self._convolve(x)))
        return y

    def stages(self) -> list[Stage]:
        """The stages, for computing in bands."""
        channels = self.conv.out_channels
        # Of the 25 products of a position, 9 are left.
        up = Local(self._convolve, channels, reach=1, scale=2, products=9 * self.conv.in_channels * channels)
        return [up, *norm_stages(self.norm, channels), pointwise(self.activation, channels)]

    def _convolve(self, x: Tensor) -> Tensor:
        return convolve_upsampled(x, self.conv, self.pad_type)
