"""The architecture of MUNIT's networks."""

from dataclasses import dataclass

from imgxlate.config import option
from imgxlate.methods.spec import MethodConfig
from imgxlate.nn.kinds import Activation, NormKind, Padding

_YAML = "NVlabs/MUNIT, configs/*.yaml"


@dataclass(frozen=True, slots=True)
class MunitConfig(MethodConfig):
    """MUNIT's generators, the same for both domains. The names are those of the original's yaml, under `gen`."""

    dim: int = option(64, "channels after the first convolution of each encoder", _YAML)
    mlp_dim: int = option(256, "width of the network that turns a style code into AdaIN parameters", _YAML)
    style_dim: int = option(8, "length of a style code", _YAML)
    activ: Activation = option("relu", "activation; only prelu shows in the weights", _YAML)
    n_downsample: int = option(2, "how often the content encoder halves the sides", _YAML)
    n_res: int = option(4, "residual blocks in the content encoder, and in the decoder", _YAML)
    pad_type: Padding = option("reflect", "padding; does not show in the weights", _YAML)
    norm: NormKind = option("instance", "normalisation in the content encoder", "NVlabs/MUNIT, networks.py:206-221")
