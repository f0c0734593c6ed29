"""What generators are trained against, in configurations. Imports no torch."""

from dataclasses import dataclass
from typing import Literal

from imgxlate.config import option
from imgxlate.losses.kinds import Gan
from imgxlate.nn.kinds import Activation, DiscriminatorNorm, Padding

_YAML = "NVlabs/MUNIT, configs/*.yaml"
_NETWORKS = "NVlabs/MUNIT, networks.py"
_PAPER = "arXiv 1804.04732, Sec. 5.1"

LrPolicy = Literal["step", "constant"]
"""How the learning rate changes: by `gamma` every `step_size` steps, or not at all."""


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    """MUNIT's and UNIT's multi-scale discriminators. The names are those of the originals' yaml, under `dis`."""

    dim: int = option(64, "channels after the first convolution", _YAML, at_least=1)
    norm: DiscriminatorNorm = option("none", "normalisation after all convolutions but the first", _YAML)
    activ: Activation = option("lrelu", "activation", _YAML)
    n_layer: int = option(4, "how often a network halves the sides", _YAML, at_least=1, below=9)
    gan_type: Gan = option("lsgan", "adversarial loss", _YAML)
    num_scales: int = option(
        3, "networks, each of which sees half the size of the one before", _YAML, at_least=1, below=9
    )
    pad_type: Padding = option("reflect", "padding", _YAML)


@dataclass(frozen=True, slots=True)
class PerceptualConfig:
    """The features that the domain-invariant perceptual loss compares.

    The original compares relu5_3 of a VGG-16 without its fourth pooling (networks.py, its Vgg16); the paper says
    relu4_3. Its weights, a Lua file on Dropbox, cannot be read by any PyTorch of today.
    """

    network: str = option(
        "vgg19", "a VGG network: a name of `imgxlate weights list`, or a file", "chosen here: it ships"
    )
    convention: Literal["auto", "caffe", "caffe-rgb", "torchvision"] = option(
        "auto", "how the network wants its pixels prepared; auto: read off the weights", "chosen here"
    )
    layer: str = option(
        "relu5_3", "the layer whose features are compared; the paper's: relu4_3", f"{_NETWORKS}; {_PAPER}"
    )
    pool4: bool = option(False, "whether the fourth pooling is kept, as VGG has it", _NETWORKS)
