"""How training pictures are prepared. Imports no torch."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, IsFinite

from imgxlate.config import NonNegativeInt, PositiveInt, option

_MUNIT = "NVlabs/MUNIT, utils.py:73-97 and configs/*.yaml"
_CYCLEGAN = "junyanz/pytorch-CycleGAN-and-pix2pix, data/base_dataset.py"


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Resize, random crop, random flip. Lengths are in pixels."""

    resize: Literal["shorter", "square", "width", "none"] = option(
        "shorter",
        "what becomes new_size: the shorter side (MUNIT, UNIT), both sides (CycleGAN), the width, or nothing",
        f"{_MUNIT}; {_CYCLEGAN}",
        fixed=True,
    )
    new_size: PositiveInt = option(256, "length that a picture is resized to before the crop", _MUNIT, fixed=True)
    interpolation: Literal["bilinear", "bicubic"] = option("bilinear", "how pictures are resized", _MUNIT, fixed=True)
    zoom: Annotated[IsFinite[float], Ge(1)] = option(
        1.0,
        "largest factor by which a picture is enlarged further, at random, before the crop",
        "chosen here",
        fixed=True,
    )
    crop_height: PositiveInt = option(
        256, "height of the random crop; smaller pictures are enlarged to it", _MUNIT, fixed=True
    )
    crop_width: PositiveInt = option(
        256, "width of the random crop; smaller pictures are enlarged to it", _MUNIT, fixed=True
    )
    flip: bool = option(True, "whether every second picture, at random, is mirrored left to right", _MUNIT, fixed=True)
    workers: NonNegativeInt = option(
        2, "processes that load images; 0: the training's own", "chosen here", panel="Configuration"
    )
    domain_a: str = option("", "what to call the first kind of images; empty: its folder's name", "chosen here")
    domain_b: str = option("", "what to call the second kind of images; empty: its folder's name", "chosen here")
