"""`--mask`: the part of each input that changes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli.files import read_image
from imgxlate.cli.output import Output
from imgxlate.errors import ImageError, UsageError
from imgxlate.images.formats import IMAGE_SUFFIXES
from imgxlate.images.inputs import Source
from imgxlate.images.limits import Limits

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray

Mask = Annotated[
    Path | None,
    typer.Option(
        "--mask",
        metavar="IMAGE",
        help="Change only the white part of IMAGE; black stays as it is, gray blends. Or a folder of masks, which are "
        "named like the inputs.",
    ),
]


def require_no_record(mask: Path | None, *, record: bool) -> None:
    """Refuse a mask together with records, which do not hold it.

    Raises:
        UsageError: both are given.
    """
    if mask and record:
        raise UsageError("--mask and a record exclude each other", hint="Leave out --record and --like, or --mask.")


def mask_sources(mask: Path | None) -> list[Source]:
    """The mask as a file that is read, so that no output replaces it; none if it is a folder."""
    return [Source(mask)] if mask and not mask.is_dir() else []


def read_mask(out: Output, mask: Path | None, source: Source, limits: Limits) -> "ImageArray | None":
    """The mask of an input; None: all of it changes.

    Raises:
        ImageError: the mask cannot be read, or a folder of masks has none for the input.
    """
    if mask is None:
        return None
    return read_image(out, mask_of_input(mask, source), limits)


def mask_of_input(mask: Path, source: Source) -> Source:
    """The mask of an input: the file itself, or the one that is named like the input if it is a folder.

    Raises:
        ImageError: the folder has none.
    """
    return Source(_find(mask, source) if mask.is_dir() else mask)


def _find(folder: Path, source: Source) -> Path:
    suffixes = sorted(IMAGE_SUFFIXES, key=lambda suffix: (suffix != ".png", suffix))
    candidates = [folder / source.folder / f"{source.stem}{suffix}" for suffix in suffixes]
    for path in candidates:
        if path.is_file():
            return path
    raise ImageError(source.name, f"has no mask in {folder}", hint=f"Make one, for example {candidates[0]}.")
