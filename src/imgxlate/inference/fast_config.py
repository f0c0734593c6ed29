"""The options of style transfer in one pass. Imports no torch."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, IsFinite, Le

from imgxlate.config import NonNegativeFloat, PositiveInt, option


@dataclass(frozen=True, slots=True)
class FastStyleConfig:
    """Style transfer in one pass. Neural style has the same options, except for `strength`."""

    size: PositiveInt = option(512, "longer side of the image in pixels")
    strength: Annotated[IsFinite[float], Ge(0), Le(1)] = option(
        1.0,
        "how much of the style to take, from 0, which keeps the style of the photo, to 1",
        "arXiv 1703.06868, Eq. 14",
    )
    style_weights: tuple[NonNegativeFloat, ...] = option(
        (), "a weight for each style image; none: equal weights", "arXiv 1703.06868, Eq. 15"
    )
    style_scale: Annotated[IsFinite[float], Ge(0.01)] = option(
        1.0, "longer side of the style images, relative to that of the image"
    )
    preserve_color: Literal["off", "luminance", "match"] = option(
        "off",
        "keep the content's colors: paint its luminance only, or give the style images its colors first",
        "arXiv 1611.07865, section 5",
    )
