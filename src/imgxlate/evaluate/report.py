"""The report of a comparison: one page of HTML that loads nothing from elsewhere. Imports no torch."""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from imgxlate.evaluate.report_parts import Embedded, Number, card_html, embed, numbers, ranked
from imgxlate.evaluate.results import (
    Comparison,
    ImageResult,
    MethodResult,
    heading,
    image_measures,
    measured,
)
from imgxlate.metrics.measure import Measure

_PACKAGE = "imgxlate.evaluate"


Column = tuple[MethodResult, int | None]
"""A column of the grid: a method and the number of its style."""


@dataclass(frozen=True, slots=True)
class Cell:
    """An output image with its numbers, in the order of the measures of single images."""

    input: str  # the input's name
    label: str  # "MUNIT, style 00"
    image: ImageResult
    numbers: tuple[Number, ...]


def page(comparison: Comparison) -> str:
    """The page: the grid of the first inputs with sliders, the numbers of all inputs, and how they were computed.

    Images are embedded in the page. Its security policy allows no connection and no script but its own, for any
    names of files and models.

    Raises:
        ImageError: an image cannot be read.
    """
    style, script = _source("report.css"), _source("report.js")
    columns = _columns(comparison)
    cells = _cells(comparison)
    measures = measured(comparison.measures, [method.numbers for method in comparison.methods])
    text = _template().render(
        policy=_policy(style, script),
        style=style,
        script=script,
        title=_title([method.title for method in comparison.methods]),
        comparison=comparison,
        columns=columns,
        grid=_grid(comparison, columns, cells),
        style_images=[(path.name, embed(path, comparison.limits)) for path in comparison.style_images],
        measures=measures,
        ranking=_ranking(comparison.methods, measures),
        single_measures=image_measures(comparison),
        singles=[cell for row in cells for cell in row],
        cards={method.key: card_html(method.card) for method in comparison.methods if method.card is not None},
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # A file name may hold bytes that are not text.


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html")


def _source(name: str) -> str:
    return resources.files(_PACKAGE).joinpath("templates", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """No connection, and no style or script but these two."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _title(titles: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(titles[:-1]), *titles[-1:]]))


def _columns(comparison: Comparison) -> list[Column]:
    images = [image for row in comparison.rows for image in row.images]
    return [
        (method, style)
        for method in comparison.methods
        for style in sorted({i.style for i in images if i.method == method.key}, key=lambda s: -1 if s is None else s)
    ]


def _cells(comparison: Comparison) -> list[list[Cell]]:
    """The output images of each row."""
    titles = {method.key: method.title for method in comparison.methods}
    images = [image for row in comparison.rows for image in row.images]
    by_measure = [numbers([image.numbers.get(m.name) for image in images]) for m in image_measures(comparison)]
    by_image = iter(zip(*by_measure, strict=True) if by_measure else [()] * len(images))
    return [
        [Cell(name, heading(titles[image.method], image.style), image, next(by_image)) for image in row.images]
        for name, row in zip(_names([row.input for row in comparison.rows]), comparison.rows, strict=True)
    ]


def _names(files: Sequence[Path]) -> list[str]:
    """The files relative to the folder that contains all, so that a published page does not show its location."""
    try:
        folder = os.path.commonpath([file.parent for file in files])
        return [Path(os.path.relpath(file, folder)).as_posix() for file in files]
    except ValueError:  # No files, no common folder, or several drives.
        return [file.name for file in files]


def _grid(
    comparison: Comparison, columns: Sequence[Column], cells: Sequence[Sequence[Cell]]
) -> list[tuple[str, Embedded, list[tuple[Cell, Embedded] | None]]]:
    """For each shown input: its name, its image, and its output for each column, or None without one."""
    grid = []
    for row, outputs in list(zip(comparison.rows, cells, strict=True))[: comparison.shown]:
        embedded = [(cell, embed(cell.image.file, comparison.limits)) for cell in outputs]
        by_column = {(cell.image.method, cell.image.style): (cell, image) for cell, image in embedded}
        in_columns = [by_column.get((method.key, style)) for method, style in columns]
        grid.append((outputs[0].input, embed(row.input, comparison.limits), in_columns))
    return grid


def _ranking(
    methods: Sequence[MethodResult], measures: Sequence[Measure]
) -> list[tuple[MethodResult, tuple[Number, ...]]]:
    """Each method with its numbers."""
    columns = [ranked(measure, [method.numbers.get(measure.name) for method in methods]) for measure in measures]
    by_method = zip(*columns, strict=True) if columns else [()] * len(methods)
    return list(zip(methods, by_method, strict=True))
