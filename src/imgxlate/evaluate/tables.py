"""What a comparison found, for other programs: metrics.json with all of it, metrics.csv with a row a picture."""

import csv
import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imgxlate import atomic
from imgxlate.evaluate.comparison import Comparison, Entrant, Made, Measure, Row

_COLUMNS = ("input", "entrant", "model", "style", "file")


def write_json(comparison: Comparison, path: Path) -> None:
    """Write facts, measures, entrants with their numbers, and rows with those of each picture.

    Pictures that were made are named as seen from the folder of `path`.

    Raises:
        OutputError: the file cannot be written.
    """
    # In ASCII, so that any name of a file can be written.
    text = json.dumps(document(comparison, path.parent), indent=2, allow_nan=False)
    atomic.write_bytes(path, f"{text}\n".encode())


def write_csv(comparison: Comparison, path: Path) -> None:
    """Write a row for each picture that was made: input, entrant, model, style, file, then its numbers.

    There is a column for each measure that is taken of single pictures. A number that could not be taken is an empty
    field. Lines and quotes are as RFC 4180 has them.

    Raises:
        OutputError: the file cannot be written.
    """
    names = [measure.name for measure in single_measures(comparison)]
    models = {entrant.key: entrant.model for entrant in comparison.entrants}
    lines = io.StringIO(newline="")
    table = csv.writer(lines)
    table.writerow([*_COLUMNS, *names])
    for row in comparison.rows:
        for made in row.made:
            style = "" if made.style is None else made.style
            place = (row.input, made.entrant, models[made.entrant], style, _seen_from(path.parent, made.file))
            table.writerow([*place, *(_field(made.numbers.get(name)) for name in names)])
    atomic.write_bytes(path, lines.getvalue().encode(errors="surrogateescape"))


def document(comparison: Comparison, folder: Path) -> dict[str, Any]:
    """The comparison in the terms of JSON, its pictures named as seen from `folder`."""
    return {
        "facts": dict(comparison.facts),
        "style_images": [str(path) for path in comparison.style_images],
        "measures": [asdict(measure) for measure in comparison.measures],
        "entrants": [_entrant(entrant) for entrant in comparison.entrants],
        "rows": [_row(row, folder) for row in comparison.rows],
    }


def single_measures(comparison: Comparison) -> list[Measure]:
    """The measures that are taken of single pictures; the others are of sets."""
    taken = {name for row in comparison.rows for made in row.made for name in made.numbers}
    return [measure for measure in comparison.measures if measure.name in taken]


def _entrant(entrant: Entrant) -> dict[str, Any]:
    return {
        "key": entrant.key,
        "title": entrant.title,
        "model": entrant.model,
        "settings": dict(entrant.settings),
        "numbers": dict(entrant.numbers),
    }


def _row(row: Row, folder: Path) -> dict[str, Any]:
    return {"input": str(row.input), "made": [_made(made, folder) for made in row.made]}


def _made(made: Made, folder: Path) -> dict[str, Any]:
    file, numbers = _seen_from(folder, made.file), dict(made.numbers)
    return {"entrant": made.entrant, "file": file, "style": made.style, "numbers": numbers}


def _seen_from(folder: Path, file: Path) -> str:
    """The path from `folder` to `file`, with slashes on every platform."""
    return Path(os.path.relpath(file, folder)).as_posix()


def _field(number: float | None) -> str:
    return "" if number is None else repr(number)
