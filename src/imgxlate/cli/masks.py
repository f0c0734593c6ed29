"""`--mask`: the part of each input that changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli.files import read_image
from imgxlate.cli.output import Output
from imgxlate.errors import ImageError, UsageError
from imgxlate.images import missing
from imgxlate.images.formats import IMAGE_SUFFIXES
from imgxlate.images.inputs import Source
from imgxlate.images.limits import Limits
from imgxlate.paths import exists, is_file, is_folder

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


def mask_sources(mask: Path | None, inputs: Sequence[Source]) -> list[Source]:
    """The masks that are read, so that no output replaces them. An input without a mask in a folder fails later.

    Raises:
        ImageError: there is neither a file nor a folder of that name.
    """
    if mask is None:
        return []
    if not exists(mask):
        reason, hint = missing.explain(str(mask))
        raise ImageError(mask, reason, hint=hint)
    if is_folder(mask):
        return [Source(found) for source in inputs if (found := _find(mask, source))]
    return [Source(mask)]


@dataclass(slots=True)
class Masks:
    """The masks of the inputs: one image for all of them, which is read once, or a folder with one for each."""

    out: Output
    path: Path | None  # None: all of each input changes
    limits: Limits
    _shared: "ImageArray | None" = None  # the image for all inputs, once it was read

    def read(self, source: Source) -> "ImageArray | None":
        """The mask of an input; None: all of it changes.

        Raises:
            ImageError: the mask cannot be read, or a folder of masks has none for the input.
        """
        if self.path is None or self._shared:
            return self._shared
        image = read_image(self.out, mask_of_input(self.path, source), self.limits)
        if not is_folder(self.path):
            self._shared = image
        return image


def mask_of_input(mask: Path, source: Source) -> Source:
    """The mask of an input: the file itself, or the one that is named like the input if it is a folder.

    Raises:
        ImageError: the folder has none.
    """
    if not is_folder(mask):
        return Source(mask)
    if found := _find(mask, source):
        return Source(found)
    example = _candidates(mask, source)[0]
    raise ImageError(source.name, f"has no mask in {mask}", hint=f"Make one, for example {example}.")


def _find(folder: Path, source: Source) -> Path | None:
    return next((path for path in _candidates(folder, source) if is_file(path)), None)


def _candidates(folder: Path, source: Source) -> list[Path]:
    suffixes = sorted(IMAGE_SUFFIXES, key=lambda suffix: (suffix != ".png", suffix))
    return [folder / source.folder / f"{source.stem}{suffix}" for suffix in suffixes]
