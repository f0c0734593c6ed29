"""The report of a comparison: one page of HTML that needs a browser and nothing else. Imports no torch."""

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from imgxlate.evaluate.comparison import Comparison, Entrant, Made, Measure, Row, heading
from imgxlate.evaluate.report_cards import card_html
from imgxlate.evaluate.report_numbers import Number, numbers, ranked
from imgxlate.evaluate.report_pictures import Embedded, embed

_PACKAGE = "imgxlate.evaluate"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the grid: an entrant, or one of its styles."""

    entrant: Entrant
    style: int | None
    label: str  # "MUNIT, style 00"

    @property
    def place(self) -> tuple[str, int | None]:
        """What a picture must say of itself to stand in this column."""
        return self.entrant.key, self.style


@dataclass(frozen=True, slots=True)
class Single:
    """A picture and its numbers, in the order of the measures that single pictures have."""

    input: str  # its name
    column: Column
    made: Made
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class GridRow:
    """An input and, column by column, what was made of it; None where nothing was."""

    name: str
    picture: Embedded
    cells: tuple[tuple[Single, Embedded] | None, ...]


def page(comparison: Comparison, rows: int = 24) -> str:
    """The page: the grid of the first `rows` inputs with sliders, the numbers of all, and how they came about.

    Pictures are read from their files and lie inside the page, their longer sides at most 512 pixels. Nothing in it is
    loaded from elsewhere, and its security policy lets nothing but its own script run, whatever files are called.

    Raises:
        ImageError: the file of a picture cannot be read.
    """
    style, script = _source("report.css"), _source("report.js")
    columns, names = _columns(comparison), _names([row.input for row in comparison.rows])
    measures, ranking = _ranking(comparison)
    single_measures, singles = _singles(comparison, columns, names)
    template = _environment().get_template("report.html")
    text = template.render(
        policy=_policy(style, script),
        style=style,
        script=script,
        title=_title(comparison.entrants),
        comparison=comparison,
        columns=columns,
        grid=[_grid_row(*each, columns) for each in zip(names[:rows], comparison.rows, singles, strict=False)],
        style_images=[(path.name, embed(path)) for path in comparison.style_images],
        measures=measures,
        ranking=ranking,
        single_measures=single_measures,
        singles=[single for row in singles for single in row],
        cards={entrant.key: card_html(entrant.card) for entrant in comparison.entrants if entrant.card is not None},
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # File names may hold bytes that are not text.


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _source(name: str) -> str:
    return resources.files(_PACKAGE).joinpath("templates", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """No connection at all, and no style or script but these two."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _title(entrants: Sequence[Entrant]) -> str:
    titles = [entrant.title for entrant in entrants]
    return " and ".join(filter(None, [", ".join(titles[:-1]), *titles[-1:]]))


def _names(files: Sequence[Path]) -> list[str]:
    """The names of files below the folder that all are in: a page that is published need not tell where that was."""
    try:
        folder = os.path.commonpath([file.parent for file in files])
        return [Path(os.path.relpath(file, folder)).as_posix() for file in files]
    except ValueError:  # No files, no common folder, or several drives.
        return [file.name for file in files]


def _columns(comparison: Comparison) -> list[Column]:
    made = [made for row in comparison.rows for made in row.made]
    return [
        Column(entrant, style, heading(entrant.title, style))
        for entrant in comparison.entrants
        for style in _styles(made, entrant)
    ]


def _styles(made: Iterable[Made], entrant: Entrant) -> list[int | None]:
    styles = {each.style for each in made if each.entrant == entrant.key}
    return sorted(styles, key=lambda style: -1 if style is None else style)


def _singles(
    comparison: Comparison, columns: Sequence[Column], names: Sequence[str]
) -> tuple[list[Measure], list[list[Single]]]:
    """The measures that single pictures have, and the pictures of each row with their numbers."""
    made = [made for row in comparison.rows for made in row.made]
    measures = _taken(comparison, [each.numbers for each in made])
    figures = [numbers([each.numbers.get(measure.name) for each in made]) for measure in measures]
    numbered = iter(zip(*figures, strict=True) if figures else [()] * len(made))
    places = {column.place: column for column in columns}
    return measures, [
        [Single(name, places[each.entrant, each.style], each, next(numbered)) for each in row.made]
        for name, row in zip(names, comparison.rows, strict=True)
    ]


def _grid_row(name: str, row: Row, singles: Sequence[Single], columns: Sequence[Column]) -> GridRow:
    cells = {single.column.place: single for single in singles}
    found = [cells.get(column.place) for column in columns]
    pictures = [None if single is None else (single, embed(single.made.file)) for single in found]
    return GridRow(name, embed(row.input), tuple(pictures))


def _ranking(comparison: Comparison) -> tuple[list[Measure], list[tuple[Entrant, tuple[Number, ...]]]]:
    """The measures that entrants have, and each entrant with its numbers."""
    entrants = comparison.entrants
    measures = _taken(comparison, [entrant.numbers for entrant in entrants])
    columns = [ranked(measure, [entrant.numbers.get(measure.name) for entrant in entrants]) for measure in measures]
    figures = zip(*columns, strict=True) if columns else [()] * len(entrants)
    return measures, list(zip(entrants, figures, strict=True))


def _taken(comparison: Comparison, figures: Sequence[Mapping[str, float | None]]) -> list[Measure]:
    """Those measures of which there are numbers, or a word that there are none."""
    return [measure for measure in comparison.measures if any(measure.name in each for each in figures)]
