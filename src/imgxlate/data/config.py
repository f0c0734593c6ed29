"""How training images are resized, cropped and changed at random. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, IsFinite, Le

from imgxlate.config import NonNegativeInt, PositiveInt, option
from imgxlate.images.pixel_format import MAX_CHANNELS, PixelFormat, Shown, ValueType

_MUNIT = "NVlabs/MUNIT, utils.py:73-97 and configs/*.yaml"
_TESTS: Mapping[str, Any] = {"panel": "Quality", "metavar": "FOLDER"}
_CYCLEGAN = "junyanz/pytorch-CycleGAN-and-pix2pix, data/base_dataset.py"
_TEACHES = "the model learns to change colors as well, because both domains then vary in them"

CHANNELS_SOURCE = "the originals' input_dim_a, input_dim_b, input_nc and output_nc"
_READ = "none: read off the images"
_RANGE = "that the networks see as -1 and as 1, such as [0, 4095]; none: the smallest and largest of their type"
_PERCENTILES = "is scaled by its own 1st and 99th percentile, which clips the values beyond; for values without a unit"
_SHOWN = "in false colors, from 0, such as [3, 2, 1], on samples and for losses of VGG features; none: the first three"

Share = Annotated[IsFinite[float], Ge(0), Le(1)]
Channels = Annotated[PositiveInt, Le(MAX_CHANNELS)]
Number = Annotated[float, IsFinite]
Degrees = Annotated[IsFinite[float], Ge(0), Le(180)]


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Resize, random zoom and rotation, random crop, random flip, random colors. Lengths are in pixels."""

    resize: Literal["shorter", "square", "width", "none"] = option(
        "shorter",
        "which side is resized to new_size: the shorter one (MUNIT, UNIT), both (CycleGAN), the width, or none",
        f"{_MUNIT}; {_CYCLEGAN}",
        fixed=True,
    )
    new_size: PositiveInt = option(256, "length that an image is resized to before the crop", _MUNIT, fixed=True)
    interpolation: Literal["bilinear", "bicubic"] = option("bilinear", "filter for resizing", _MUNIT, fixed=True)
    zoom: Annotated[IsFinite[float], Ge(1)] = option(
        1.0,
        "largest factor of a further random enlargement before the crop",
        "chosen here",
        fixed=True,
    )
    rotate: Degrees = option(
        0.0,
        "largest angle of a random rotation, in degrees; the image is enlarged until the crop has no empty corner",
        "chosen here",
        fixed=True,
    )
    crop_height: PositiveInt = option(
        256, "height of the random crop; smaller images are enlarged to it", _MUNIT, fixed=True
    )
    crop_width: PositiveInt = option(
        256, "width of the random crop; smaller images are enlarged to it", _MUNIT, fixed=True
    )
    flip: bool = option(True, "mirror half of the crops, chosen at random", _MUNIT, fixed=True)
    brightness: Share = option(
        0.0, f"largest share by which brightness changes at random; {_TEACHES}", "chosen here", fixed=True
    )
    contrast: Share = option(
        0.0, f"largest share by which contrast changes at random; {_TEACHES}", "chosen here", fixed=True
    )
    saturation: Share = option(
        0.0, f"largest share by which saturation changes at random; {_TEACHES}", "chosen here", fixed=True
    )
    hue: Degrees = option(
        0.0, f"largest angle by which hues turn at random, in degrees; {_TEACHES}", "chosen here", fixed=True
    )
    white: NonNegativeInt = option(
        0,
        "value of white in images of 16 bits, such as 4095 for 12 bits; 0: 4095 for an image without larger values, "
        "else 65535",
        "chosen here",
        fixed=True,
        panel="Configuration",
    )
    workers: NonNegativeInt = option(
        2, "processes that load images; 0: load them in the training process", "chosen here", panel="Configuration"
    )
    domain_a: str = option("", "name of the first domain; empty: its folder's name", "chosen here")
    domain_b: str = option("", "name of the second domain; empty: its folder's name", "chosen here")
    test_a: str = option(
        "", "folder of test images of the first domain; empty: testA beside trainA", "chosen here", **_TESTS
    )
    test_b: str = option(
        "", "folder of test images of the second domain; empty: testB beside trainB", "chosen here", **_TESTS
    )
    channels_a: Channels | None = option(None, f"channels of images of A; {_READ}", CHANNELS_SOURCE, fixed=True)
    channels_b: Channels | None = option(None, f"channels of images of B; {_READ}", CHANNELS_SOURCE, fixed=True)
    range_a: tuple[Number, Number] | None = option(None, f"values of images of A {_RANGE}", "chosen here", fixed=True)
    range_b: tuple[Number, Number] | None = option(None, f"values of images of B {_RANGE}", "chosen here", fixed=True)
    percentiles_a: bool = option(False, f"whether each image of A {_PERCENTILES}", "chosen here", fixed=True)
    percentiles_b: bool = option(False, f"whether each image of B {_PERCENTILES}", "chosen here", fixed=True)
    shown_a: Shown | None = option(None, f"channels of A {_SHOWN}", "chosen here", fixed=True)
    shown_b: Shown | None = option(None, f"channels of B {_SHOWN}", "chosen here", fixed=True)
    type_a: ValueType | None = option(None, f"type of the values of A; {_READ}", "chosen here", fixed=True)
    type_b: ValueType | None = option(None, f"type of the values of B; {_READ}", "chosen here", fixed=True)

    def format(self, domain: Literal["A", "B"]) -> PixelFormat:
        """The channels, the range and the type of the images of `domain`."""
        channels, low_high, kind, percentiles, shown = (
            getattr(self, f"{name}_{domain.lower()}") for name in ("channels", "range", "type", "percentiles", "shown")
        )
        return PixelFormat(channels or 3, low_high, kind, percentiles, shown)


def crop(side: int) -> dict[str, int]:
    """Square crops of images whose shorter side is an eighth longer, by the keys of a training's configuration."""
    return {"data.new_size": side * 9 // 8, "data.crop_height": side, "data.crop_width": side}
