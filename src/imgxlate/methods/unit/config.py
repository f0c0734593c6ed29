"""The architecture of UNIT's networks."""

from dataclasses import dataclass

from imgxlate.config import option
from imgxlate.methods.spec import MethodConfig
from imgxlate.nn.kinds import Activation, NormKind, Padding

_YAML = "mingyuliutw/UNIT, configs/*.yaml"


@dataclass(frozen=True, slots=True)
class UnitConfig(MethodConfig):
    """UNIT's generators, the same for both domains. The names are those of the original's yaml, under `gen`."""

    dim: int = option(64, "channels after the first convolution of the encoder", _YAML)
    activ: Activation = option("relu", "activation; only prelu shows in the weights", _YAML)
    n_downsample: int = option(2, "how often the encoder halves the sides", _YAML)
    n_res: int = option(4, "residual blocks in the encoder, and in the decoder", _YAML)
    pad_type: Padding = option("reflect", "padding; does not show in the weights", _YAML)
    norm: NormKind = option(
        "instance", "normalisation in the encoder and in the decoder's residual blocks", "mingyuliutw/UNIT, networks.py"
    )
