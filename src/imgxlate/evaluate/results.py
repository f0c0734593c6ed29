"""The results of a comparison, and the files that hold them. Imports no torch."""

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imgxlate import atomic
from imgxlate.callbacks import ignore
from imgxlate.images import encode
from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.images.outputs import Existing, refuse_existing
from imgxlate.metrics.measure import Measure

Numbers = Mapping[str, float | None]
"""Values by the names of their measures; None: the value could not be computed, and the measure says why."""

GRID, METRICS, TABLE, REPORT = "grid.png", "metrics.json", "metrics.csv", "report.html"
FILES = (GRID, METRICS, TABLE, REPORT)
IMAGES = "images"
"""The folder of the output images, beside the other files."""

OTHER_FOLDER = "Add --overwrite to replace it, or give another -o."
"""The hint if a file of an earlier comparison exists."""

_COLUMNS = ("input", "entrant", "model", "style", "file")


@dataclass(frozen=True, slots=True)
class MethodResult:
    """A method with its model and settings, and its numbers over all inputs."""

    key: str  # "munit"; unique
    title: str  # "MUNIT"
    model: str  # "munit-summer2winter"; for neural style the feature network
    settings: Mapping[str, str]  # further values that determine its images, by name
    card: str | None  # of the model, in Markdown; None: it has none
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One output image of a method."""

    method: str  # the method's key
    model: str
    style: int | None  # the number of its style, from 0; None: the method has no styles
    file: Path
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Row:
    """An input and its output images, in the order of the methods."""

    input: Path
    images: tuple[ImageResult, ...]


@dataclass(frozen=True)  # Without slots, so that a finalizer can watch it.
class Comparison:
    """The results of a comparison.

    Images, and inputs that came from no file, are in `folder`. A temporary folder is removed with this object.
    """

    folder: Path
    methods: tuple[MethodResult, ...]
    measures: tuple[Measure, ...]  # in the order in which they are shown
    rows: tuple[Row, ...]  # the inputs with at least one output image
    style_images: tuple[Path, ...]  # the style images of the methods that stylize
    facts: Mapping[str, str]  # version, device, precision, seed, number of inputs: enough to repeat the comparison
    failures: Mapping[Path, str]  # the reason for each input that failed, with one method or with all
    grid: Image.Image  # the first rows: the input, then the image of each method and style
    shown: int  # the most rows that grid and report show
    limits: Limits = DEFAULT  # of the files that the report reads

    def save(
        self, folder: str | os.PathLike[str], *, overwrite: bool = False, on_file: Callable[[Path], None] = ignore
    ) -> None:
        """Write grid.png, metrics.json, metrics.csv, report.html and images/ to a folder, which is made if missing.

        `on_file` is called with each of the four files when it is written.

        Raises:
            OutputError: a file exists and `overwrite` is False, or cannot be written.
        """
        from imgxlate.evaluate.report import page  # Imported late, because it imports this module.

        target = Path(folder)
        copies = {} if target.resolve() == self.folder.resolve() else self._copies(target)
        if not overwrite:
            refuse_existing([*(target / name for name in FILES), *copies.values()], Existing.REFUSE, OTHER_FOLDER)
        for file, copy in copies.items():
            atomic.write_bytes(copy, file.read_bytes())
        # The numbers first: grid and report can be made again from the images.
        contents = {
            METRICS: to_json(self, copies).encode(),
            TABLE: to_csv(self, copies).encode(errors="surrogateescape"),
            GRID: encode.encode(ImageArray(np.asarray(self.grid)), Path(GRID).suffix),
            REPORT: page(self).encode(),
        }
        for name, content in contents.items():
            atomic.write_bytes(target / name, content)
            on_file(target / name)

    def _copies(self, target: Path) -> dict[Path, Path]:
        """Where the images, and the inputs that came from no file, go below `target`."""
        files = [file for row in self.rows for file in (row.input, *(image.file for image in row.images))]
        own = [file for file in (*files, *self.style_images) if file.is_relative_to(self.folder / IMAGES)]
        return {file: target / file.relative_to(self.folder) for file in own}


def heading(title: str, style: int | None) -> str:
    """The heading of a column: "MUNIT, style 00", or "UNIT"."""
    return title if style is None else f"{title}, style {style:02d}"


def to_json(comparison: Comparison, copies: Mapping[Path, Path]) -> str:
    """The text of metrics.json: facts, measures, methods with their numbers, and rows with those of each image.

    Images are named relative to the comparison's folder, inputs by their paths, or the paths of their `copies`. The
    text is ASCII, so that it can hold any file name.
    """
    document = {
        "facts": dict(comparison.facts),
        "style_images": [str(copies.get(path, path)) for path in comparison.style_images],
        "measures": [asdict(measure) for measure in comparison.measures],
        "entrants": [
            {key: value for key, value in asdict(method).items() if key != "card"} for method in comparison.methods
        ],
        "rows": [
            {
                "input": str(copies.get(row.input, row.input)),
                "made": [
                    {
                        "entrant": image.method,
                        "file": _relative(image.file, comparison.folder),
                        "style": image.style,
                        "numbers": dict(image.numbers),
                    }
                    for image in row.images
                ],
            }
            for row in comparison.rows
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def to_csv(comparison: Comparison, copies: Mapping[Path, Path]) -> str:
    """The text of metrics.csv (RFC 4180): a line for each image, and a column for each measure of single images.

    Files are named as in metrics.json. A number that could not be computed is an empty field.
    """
    names = [measure.name for measure in image_measures(comparison)]
    lines = io.StringIO(newline="")
    table = csv.writer(lines)  # It writes None as an empty field.
    table.writerow([*_COLUMNS, *names])
    for row in comparison.rows:
        for image in row.images:
            place = copies.get(row.input, row.input), image.method, image.model, image.style
            numbers = [image.numbers.get(name) for name in names]
            table.writerow([*place, _relative(image.file, comparison.folder), *numbers])
    return lines.getvalue()


def image_measures(comparison: Comparison) -> list[Measure]:
    """The measures of single images; the others are of sets."""
    return measured(comparison.measures, [image.numbers for row in comparison.rows for image in row.images])


def measured(measures: Sequence[Measure], numbers: Sequence[Numbers]) -> list[Measure]:
    """The measures of which `numbers` have a value, or None as a value."""
    names = {name for each in numbers for name in each}
    return [measure for measure in measures if measure.name in names]


def _relative(file: Path, folder: Path) -> str:
    """The path from `folder` to `file`, with slashes on every platform."""
    return Path(os.path.relpath(file, folder)).as_posix()
