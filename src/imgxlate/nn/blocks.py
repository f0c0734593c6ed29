"""The blocks that MUNIT's and UNIT's networks are built from, under the originals' parameter names."""

from collections.abc import Callable

from torch import Tensor, nn

from imgxlate.nn import Activation, Padding
from imgxlate.nn.convolution import Conv2d
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
        x = self.conv(pad(x, self.padding, self.pad_type))
        x = self.norm(x) if adain is None else self.norm(x, adain)
        y: Tensor = self.activation(x)
        return y


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
        x = convolve_upsampled(x, self.conv, self.pad_type)
        y: Tensor = self.activation(self.norm(x))
        return y
