"""Test images: decoded once, with the shorter side of a training crop, for samples and evaluations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imgxlate.data.config import DataConfig
from imgxlate.data.dataset import Rejected
from imgxlate.errors import ImageError
from imgxlate.images.decode import decode
from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import Limits
from imgxlate.images.pixel_format import PixelFormat
from imgxlate.images.sizes import centered_box
from imgxlate.images.value_files import read_values
from imgxlate.images.values import image_of_values
from imgxlate.inference.translation import resized
from imgxlate.methods.spec import DOMAINS, Domain

_MAX_ASPECT_RATIO = 3  # of an image; longer ones are cropped


@dataclass(frozen=True, slots=True)
class LoadedImages:
    """The test images of both domains."""

    images: Mapping[Domain, tuple[ImageArray, ...]]
    rejected: tuple[Rejected, ...]  # files that could not be read
    notes: Mapping[str, Path] = field(default_factory=dict)  # on how files were read, each with the first such file


def load(files_a: Sequence[Path], files_b: Sequence[Path], count: int, data: DataConfig) -> LoadedImages:
    """Decode the first `count` readable files of each domain, with the shorter side of a training crop.

    Whole images are scaled to it. If training does not scale images, the middle of each is taken as it is.
    """
    rejected: list[Rejected] = []
    notes: dict[str, Path] = {}
    limits = Limits(white=data.white or None)
    a, b = (
        _decoded(files, count, data, limits, rejected, notes, data.format(domain))
        for files, domain in zip((files_a, files_b), DOMAINS, strict=True)
    )
    return LoadedImages({"A": a, "B": b}, tuple(rejected), notes)


def _decoded(
    files: Sequence[Path],
    count: int,
    data: DataConfig,
    limits: Limits,
    rejected: list[Rejected],
    notes: dict[str, Path],
    pixels: PixelFormat,
) -> tuple[ImageArray, ...]:
    images: list[ImageArray] = []
    for file in files:
        if len(images) == count:
            break
        try:
            image = _read(file, pixels, limits)
            images.append(_prepared(image.on_white(), data))
            notes |= {note: file for note in image.notes if note not in notes}
        except ImageError as error:
            rejected.append(Rejected(file, error.reason))
    return tuple(images)


def _read(file: Path, pixels: PixelFormat, limits: Limits) -> ImageArray:
    return decode(file, limits=limits) if pixels.is_color else image_of_values(read_values(file), pixels, str(file))[0]


def _prepared(image: ImageArray, data: DataConfig) -> ImageArray:
    side, shorter = min(data.crop_height, data.crop_width), min(image.size)
    if data.resize == "none":
        return resized(_center(image, min(side, shorter)), side)
    return resized(_center(image, shorter), min(side, data.new_size))


def _center(image: ImageArray, side: int) -> ImageArray:
    """The middle of an image, with the shorter side `side`, and its aspect ratio up to the largest one."""
    shorter = min(image.size)
    height, width = (min(length * side // shorter, _MAX_ASPECT_RATIO * side) for length in image.size)
    box = centered_box((height, width), image.size)
    return ImageArray(image.rgb[box.top : box.top + height, box.left : box.left + width], pixels=image.pixels)
