"""`--region`: parts of each input that have a style of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli.files import read_image
from imgxlate.cli.masks import mask_of_input, mask_sources
from imgxlate.cli.output import Output
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.images.limits import Limits
from imgxlate.paths import is_folder

if TYPE_CHECKING:
    from imgxlate.images.image_array import Depth, ImageArray
    from imgxlate.inference.regions import Region

Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="MASK,STYLE[,STYLE_MASK]",
        help="Paint the white part of MASK in the style of STYLE, or of the part of STYLE that is white in STYLE_MASK. "
        "Repeatable. A mask may be a color of a label map: labels.png#blue or labels.png#0000ff. What is in no region "
        "has the style of the STYLE arguments; without any, only its content counts.",
    ),
]


@dataclass(frozen=True, slots=True)
class RegionFiles:
    """The files of a region. A mask may be the color of a label map, `labels.png#blue`."""

    mask: str  # an image, or a folder of them
    style: Source
    style_mask: str | None

    def __str__(self) -> str:
        return f"{self.mask} in the style of {self.style.name}"


@dataclass(slots=True)
class GivenRegion:
    """A region whose style was read. A mask for all inputs is read once, and that of a folder for each input."""

    mask: str
    style: "ImageArray"
    style_mask: "ImageArray | None"
    limits: Limits
    _shared: "ImageArray | None" = None  # the mask for all inputs, once it was read

    def of_input(self, source: Source) -> "Region":
        """The region of an input.

        Raises:
            ImageError: the mask cannot be read, or a folder of masks has none for the input.
            UsageError: the color of a label map is not a color.
        """
        from imgxlate.images.labels import split_label
        from imgxlate.inference.regions import Region, read_mask

        file, mark, color = split_label(self.mask)
        name = f"{mask_of_input(Path(file), source).path}{mark}{color}"
        mask = self._shared or read_mask(name, self.limits)
        if not is_folder(file):
            self._shared = mask
        return Region(mask, self.style, self.style_mask, name)


def parse_regions(texts: Sequence[str] | None) -> list[RegionFiles]:
    """The files that each `--region` names.

    Raises:
        UsageError: it does not have two or three names.
    """
    return [_parse(text) for text in texts or ()]


def require_no_record(regions: Sequence[RegionFiles], *, record: bool) -> None:
    """Refuse regions together with records, which do not hold them.

    Raises:
        UsageError: both are given.
    """
    if regions and record:
        raise UsageError("--region and a record exclude each other", hint="Leave out --record and --like, or --region.")


def region_sources(regions: Sequence[RegionFiles], inputs: Sequence[Source]) -> list[Source]:
    """The files that are read, so that no output replaces them.

    Raises:
        ImageError: there is neither a file nor a folder with the name of a mask.
    """
    from imgxlate.images.labels import split_label

    masks = [Path(split_label(mask)[0]) for region in regions for mask in (region.mask, region.style_mask) if mask]
    return [*(region.style for region in regions), *(found for mask in masks for found in mask_sources(mask, inputs))]


def read_styles(out: Output, regions: Sequence[RegionFiles], limits: Limits, depth: "Depth") -> list[GivenRegion]:
    """Read the style image of each region, and the mask of its part that is the style.

    Raises:
        ImageError: an image cannot be read.
    """
    from imgxlate.inference.regions import read_mask

    return [
        GivenRegion(
            region.mask,
            read_image(out, region.style, limits, depth),
            read_mask(region.style_mask, limits) if region.style_mask else None,
            limits,
        )
        for region in regions
    ]


def _parse(text: str) -> RegionFiles:
    names = [name.strip() for name in text.split(",")]
    if len(names) not in (2, 3) or not all(names):
        raise UsageError(
            f"--region {text}: must be a mask and a style image, with a comma between them",
            hint="For example: `--region sky.png,painting.jpg`. Names of files must have no comma.",
        )
    return RegionFiles(names[0], Source(Path(names[1])), names[2] if len(names) == 3 else None)
