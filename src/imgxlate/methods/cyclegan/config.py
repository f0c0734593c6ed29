"""The architecture of CycleGAN's generators."""

from dataclasses import dataclass

from imgxlate.config import option
from imgxlate.methods.spec import MethodConfig
from imgxlate.nn.kinds import NormKind

_OPTIONS = "junyanz/pytorch-CycleGAN-and-pix2pix, options/base_options.py"


@dataclass(frozen=True, slots=True)
class CycleganConfig(MethodConfig):
    """CycleGAN's ResNet generators, the same for both directions."""

    ngf: int = option(64, "channels after the first convolution", _OPTIONS)
    n_blocks: int = option(
        9, "residual blocks: 9 for 256 pixels and above, 6 for 128", "arXiv 1703.10593, Appendix 7.2"
    )
    norm: NormKind = option("instance", "normalisation", _OPTIONS)
    bias: bool = option(True, "whether convolutions that a normalisation follows have a bias", "models/networks.py")
    dropout: bool = option(
        False, "whether the residual blocks were trained with dropout, which shifts the names of their layers", _OPTIONS
    )
