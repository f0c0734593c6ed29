"""What a comparison found, for a person at a terminal or reading a log."""

from collections.abc import Sequence

from imgxlate.cli.output import Output
from imgxlate.evaluate.comparison import Comparison, Measure

_ABSENT = "-"
_ARROWS = {"higher": " (higher is better)", "lower": " (lower is better)", None: ""}


def show(output: Output, comparison: Comparison) -> None:
    """A table of measures by entrants, and a line for each measure that says how it was taken, on stderr."""
    titles = ["", *(entrant.title for entrant in comparison.entrants)]
    numbers = [
        [_heading(measure), *(_shown(entrant.numbers.get(measure.name)) for entrant in comparison.entrants)]
        for measure in comparison.measures
    ]
    for line in ("", *_aligned([titles, *numbers]), ""):
        output.note(line)
    for measure in comparison.measures:
        output.note(f"{measure.title}{_ARROWS[measure.better]}: {measure.how}")


def _heading(measure: Measure) -> str:
    return f"{measure.title}, {measure.unit}" if measure.unit else measure.title


def _shown(number: float | None) -> str:
    if number is None:
        return _ABSENT
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines: the first column flush left, numbers and their headings flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
