"""The features of the perceptual loss in configurations. Imports no torch."""

from dataclasses import dataclass
from typing import Literal

from imgxlate.config import option

_NETWORKS = "NVlabs/MUNIT, networks.py"
_PAPER = "arXiv 1804.04732, Sec. 5.1"


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
