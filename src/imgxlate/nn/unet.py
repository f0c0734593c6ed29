"""The U-Net generator of pix2pix and CycleGAN (arXiv 1611.07004, Appendix 6.1.1), under the originals' names."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from imgxlate.nn import NormKind
from imgxlate.nn.convolution import Conv2d
from imgxlate.nn.norms import make_norm, set_norm_statistics

_WIDEST = 8  # The inner convolutions have this many times the channels of the first one, at most.


class UnetBlock(nn.Module):
    """Halve height and width, apply a smaller U-Net, double them again, and append the result to the input."""

    def __init__(self, outer: int, inner: int, *, inside: nn.Module | None, norm: NormKind, bias: bool) -> None:
        super().__init__()
        # The innermost map may have one position, of which a norm would leave nothing.
        middle = [make_norm(norm, inner), inside] if inside else []
        self.model = nn.Sequential(
            nn.LeakyReLU(0.2),
            Conv2d(outer, inner, 4, 2, 1, bias=bias),
            *middle,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * inner if inside else inner, outer, 4, 2, 1, bias=bias),
            make_norm(norm, outer),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 2 C, H, W)."""
        return torch.cat([x, self.model(x)], 1)


class UnetGenerator(nn.Module):
    """Image (B, C, H, W) of one domain to an image (B, C', H, W) of the other, both in [-1, 1].

    H and W are multiples of `stride`, and at least `minimum_side`.
    """

    def __init__(
        self,
        ngf: int,  # channels after the first convolution
        *,
        n_downsampling: int,  # how often height and width are halved: 7 in unet_128, 8 in unet_256
        norm: NormKind,
        bias: bool,  # whether convolutions before a norm have a bias
        channels_in: int = 3,
        channels_out: int = 3,
    ) -> None:
        super().__init__()
        self.stride = self.minimum_side = 2**n_downsampling
        widths = [ngf * min(2**step, _WIDEST) for step in range(n_downsampling)]
        block: nn.Module | None = None
        for outer, inner in zip(widths[-2::-1], widths[:0:-1], strict=True):
            block = UnetBlock(outer, inner, inside=block, norm=norm, bias=bias)
        inside = [block] if block else []
        # The outermost block is a module of its own in the originals, hence the two levels of names.
        layers = nn.Sequential(
            Conv2d(channels_in, ngf, 4, 2, 1, bias=bias),
            *inside,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * ngf if block else ngf, channels_out, 4, 2, 1),
            nn.Tanh(),
        )
        self.model = nn.Sequential(OrderedDict(model=layers))
        set_norm_statistics(self, "image")

    def forward(self, x: Tensor) -> Tensor:
        """Translate."""
        y: Tensor = self.model(x)
        return y
