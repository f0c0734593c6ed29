"""The images of `neural-style --save-every`, in a folder beside the output."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate import atomic
from imgxlate.cli.files import write_image
from imgxlate.cli.output import Output
from imgxlate.errors import UsageError
from imgxlate.images.outputs import Existing, Job, refuse_existing, require_writable
from imgxlate.paths import exists, is_folder

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray


@dataclass(frozen=True, slots=True)
class Steps:
    """Writes the images of one painting. Those of an older one are kept, or replaced as a whole."""

    out: Output
    folder: Path
    every: int  # iterations
    existing: Existing

    def begin(self) -> None:
        """Remove the images of an older painting, if they may be replaced. Other files in the folder stay.

        Raises:
            OutputError: they cannot be removed.
        """
        if self.existing is not Existing.OVERWRITE or not is_folder(self.folder):
            return
        try:
            for path in self.folder.iterdir():
                if re.fullmatch(r"\d{5,}\.png", path.name):
                    path.unlink()
        except OSError as error:
            raise atomic.cannot_write(self.folder, error) from error

    def is_due(self, iteration: int) -> bool:
        """Whether the image after that iteration is to be written."""
        if iteration % self.every:
            return False
        return not (self.existing is Existing.SKIP and exists(_file(self.folder, iteration)))

    def write(self, iteration: int, image: "ImageArray") -> None:
        """Write the image after an iteration.

        Raises:
            OutputError: it cannot be written.
        """
        write_image(self.out, image, _file(self.folder, iteration))


def folder_of(output: Path | None) -> Path:
    """The folder for the steps of an output.

    Raises:
        UsageError: the output is standard output.
    """
    if output is None:
        raise UsageError("--save-every needs an output file, not -o -")
    return output.with_suffix(".steps")


def require_folders(jobs: Sequence[Job], existing: Existing) -> None:
    """Check that the steps of all jobs can be written.

    Raises:
        UsageError: an output is standard output.
        OutputError: a folder cannot be written, or it is not empty and `existing` refuses that.
    """
    folders = [folder_of(target.path) for job in jobs for target in job.targets]
    require_writable([_file(folder, 1) for folder in folders], [], Existing.OVERWRITE)
    refuse_existing([folder for folder in folders if is_folder(folder) and any(folder.iterdir())], existing)


def _file(folder: Path, iteration: int) -> Path:
    return folder / f"{iteration:05d}.png"
