"""What a comparison finds: pictures, numbers, and how each was computed. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that is taken of pictures or of sets of them, and how."""

    name: str  # "ssim"; the key in `numbers`, metrics.json and metrics.csv
    title: str  # "SSIM of luminance"
    how: str  # one paragraph: formula, trunk and its version, pairs, sizes
    better: Literal["higher", "lower"] | None  # None: neither
    unit: str = ""  # "s", "MiB"; empty for a number without one


@dataclass(frozen=True, slots=True)
class Entrant:
    """A method with its model and settings, as it stands in the comparison."""

    key: str  # "munit"; unique
    title: str  # "MUNIT"; as headers have it
    model: str  # "munit-summer2winter"; for neural style: the feature network
    settings: Mapping[str, str]  # what else decides its pictures, by name
    card: str | None  # of the model, in Markdown; None: it has none
    numbers: Mapping[str, float | None]  # by the name of the measure; None: it cannot be taken, see the measure


@dataclass(frozen=True, slots=True)
class Made:
    """A picture that an entrant made of an input."""

    entrant: str  # its key
    file: Path
    style: int | None  # which of its styles, from 0; None: it has none
    numbers: Mapping[str, float | None]  # by the name of the measure


def heading(title: str, style: int | None) -> str:
    """What stands above the pictures of an entrant with that title: "MUNIT, style 00", or "UNIT"."""
    return title if style is None else f"{title}, style {style:02d}"


@dataclass(frozen=True, slots=True)
class Row:
    """An input and what was made of it."""

    input: Path
    made: tuple[Made, ...]  # in the order of the entrants


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of it."""

    entrants: tuple[Entrant, ...]
    measures: tuple[Measure, ...]  # in the order in which they are shown
    rows: tuple[Row, ...]
    style_images: tuple[Path, ...]  # that the stylizing methods painted with
    facts: Mapping[str, str]  # version, device, precision, seed, numbers of inputs: what gives the same again
