"""MUNIT's generator (arXiv 1804.04732, Sec. 5.1 and Appendix B.2), with the original's state-dict keys."""

from torch import Tensor, nn

from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.spec import Domain
from imgxlate.nn import Activation, Padding
from imgxlate.nn.autoencoder import ContentEncoder, Decoder
from imgxlate.nn.blocks import ConvBlock, make_activation
from imgxlate.nn.precision import without_autocast
from imgxlate.nn.stages import Stage, stages_of

STYLE_DOWNSAMPLE = 4  # how often the style encoder halves height and width


class StyleEncoder(nn.Module):
    """Image (B, C, H, W) to style code (B, style_dim); without normalization, which would remove the style."""

    def __init__(self, channels: int, dim: int, style_dim: int, activ: Activation, pad_type: Padding) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvBlock(channels, dim, 7, activ=activ, pad_type=pad_type)]
        for step in range(STYLE_DOWNSAMPLE):
            wider = 2 * dim if step < 2 else dim
            layers.append(ConvBlock(dim, wider, 4, stride=2, activ=activ, pad_type=pad_type))
            dim = wider
        layers += [nn.AdaptiveAvgPool2d(1), nn.Conv2d(dim, style_dim, 1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Encode (B, C, H, W) in [-1, 1]."""
        code: Tensor = self.model(x)
        return code.flatten(1)

    def stages(self) -> list[Stage]:
        """The stages before the mean over all positions, for computing in bands."""
        return stages_of(list(self.model)[:-2])

    def code(self, mean: Tensor) -> Tensor:
        """The style code (1, style_dim), from the mean (C,) over all positions."""
        code: Tensor = self.model[-1](mean[None, :, None, None])
        return code.flatten(1)


class LinearBlock(nn.Module):
    """A fully connected layer and its activation."""

    def __init__(self, width_in: int, width_out: int, activ: Activation) -> None:
        super().__init__()
        self.fc = nn.Linear(width_in, width_out)
        self.activation = make_activation(activ)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width_in) to (B, width_out)."""
        y: Tensor = self.activation(self.fc(x))
        return y


class StyleMlp(nn.Module):
    """Style code (B, style_dim) to the parameters (B, layers, 2, channels) of the decoder's adaptive norms."""

    def __init__(self, config: MunitConfig) -> None:
        super().__init__()
        self.shape = (2 * config.n_res, 2, config.dim * 2**config.n_downsample)
        layers, _, channels = self.shape
        self.model = nn.Sequential(
            LinearBlock(config.style_dim, config.mlp_dim, config.activ),
            LinearBlock(config.mlp_dim, config.mlp_dim, config.activ),
            LinearBlock(config.mlp_dim, layers * 2 * channels, "none"),
        )

    def forward(self, style: Tensor) -> Tensor:
        """For each norm, in the order of the layers, the shift of each channel, then the scale."""
        with without_autocast(style.device):  # They scale features of the decoder, so they need full precision.
            parameters: Tensor = self.model(style)
        return parameters.view(-1, *self.shape)


class Generator(nn.Module):
    """The autoencoder of one domain: image to content and style code, and back."""

    def __init__(self, config: MunitConfig, domain: Domain = "A") -> None:
        super().__init__()
        channels = config.channels(domain)
        self.enc_style = StyleEncoder(channels, config.dim, config.style_dim, config.activ, config.pad_type)
        self.enc_content = ContentEncoder(
            config.dim,
            n_downsample=config.n_downsample,
            n_res=config.n_res,
            norm=config.norm,
            activ=config.activ,
            pad_type=config.pad_type,
            channels=channels,
        )
        self.dec = Decoder(
            config.dim,
            n_upsample=config.n_downsample,
            n_res=config.n_res,
            norm=None,
            activ=config.activ,
            pad_type=config.pad_type,
            channels=channels,
        )
        self.mlp = StyleMlp(config)

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """Content code (B, C, h, w) and style code (B, style_dim) to an image (B, C, H, W) in [-1, 1]."""
        image: Tensor = self.dec(content, self.mlp(style))
        return image

    def decoder_stages(self, style: Tensor) -> list[Stage]:
        """The stages from the content code to the image, with a style code (1, style_dim), for computing in bands."""
        return self.dec.stages(self.mlp(style))


def minimum_side(config: MunitConfig) -> int:
    """The shortest side of an image that the networks take, in pixels.

    Reflection and instance norms need codes of 2 x 2 positions, and so does the style encoder's last convolution.
    """
    return int(2 * max(2**config.n_downsample, 2 ** (STYLE_DOWNSAMPLE - 1)))
