"""The facts of the images of a domain: channels, range and type of their values. Imports no numpy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

MAX_CHANNELS = 16
"""The most channels of an image."""

ValueType = Literal["uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64"]
"""The type of a value, by numpy's name."""

Range = tuple[float, float]
"""The values that the networks see as -1 and as 1."""

Shown = tuple[int, int, int]
"""The channels, from 0, that are shown as red, green and blue where only colors can be: on samples, and to VGG."""

_OWN_RANGES: Mapping[str, Range] = {
    "uint8": (0, 255),
    "uint16": (0, 65535),
    "float16": (0, 1),
    "float32": (0, 1),
    "float64": (0, 1),
}


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """Channels, range and type of the images of a domain. By default they are images in color, as most files are."""

    channels: int = 3
    range: Range | None = None  # None: the own range of the type of each image
    type: ValueType | None = None  # of outputs; None: the type of the input
    percentiles: bool = False  # whether each input is scaled by its own percentiles; outputs are scaled by `range`
    shown: Shown | None = None  # the channels in false colors; None: the first three

    @property
    def is_color(self) -> bool:
        """Whether the images are in sRGB, with 8 or 16 bits. Others are numbers without a meaning as colors."""
        return self.channels == 3 and self.range is None and not self.percentiles

    @classmethod
    def from_header(cls, stored: object, channels: int) -> Self:
        """The format in the header of a model; without one, it is that of images with so many channels."""
        if not isinstance(stored, Mapping):
            return cls(channels)
        low_high, shown = (None if (value := stored.get(key)) is None else tuple(value) for key in ("range", "shown"))
        return cls(channels, low_high, stored.get("type"), bool(stored.get("percentiles")), shown)

    def to_header(self) -> dict[str, Any]:
        """The inverse of `from_header`, as JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.is_color:
            return "color"
        channels = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        kind = f" of {self.type}" if self.type else ""
        if self.percentiles:
            return f"{channels}{kind}, each image scaled by its percentiles"
        return f"{channels}{kind}" + (f" from {self.range[0]:g} to {self.range[1]:g}" if self.range else "")


def shown_channels(count: int) -> Shown:
    """The channels in false colors of images of `count`: the first three, or the last one again."""
    return (0, min(1, count - 1), min(2, count - 1))


def own_range(kind: str) -> Range | None:
    """The range of a type: all values of unsigned integers up to 16 bits, 0 to 1 of floats; None: others have none."""
    return _OWN_RANGES.get(kind)
