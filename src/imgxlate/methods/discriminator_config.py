"""MUNIT's and UNIT's discriminators in configurations. Imports no torch."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Lt

from imgxlate.config import NonNegativeFloat, PositiveInt, option
from imgxlate.losses.kinds import Gan
from imgxlate.nn.kinds import Activation, DiscriminatorNorm, Padding

_YAML = "NVlabs/MUNIT, configs/*.yaml"


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    """MUNIT's and UNIT's multi-scale discriminators. The names are those of the originals' yaml, under `dis`."""

    dim: PositiveInt = option(64, "channels after the first convolution", _YAML)
    norm: DiscriminatorNorm = option("none", "normalisation after all convolutions but the first", _YAML)
    activ: Activation = option("lrelu", "activation", _YAML)
    n_layer: Annotated[PositiveInt, Lt(9)] = option(4, "how often a network halves the sides", _YAML)
    gan_type: Gan = option("lsgan", "adversarial loss", _YAML)
    num_scales: Annotated[PositiveInt, Lt(9)] = option(
        3, "networks, each of which sees half the size of the one before", _YAML
    )
    pad_type: Padding = option("reflect", "padding", _YAML)
    r1_w: NonNegativeFloat = option(
        0.0, "weight of the penalty on the gradient at real pictures (R1)", "arXiv 1801.04406, Eq. 9"
    )
