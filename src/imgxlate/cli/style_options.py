"""The options for styles, which several commands have. Imports no torch."""

from pathlib import Path
from typing import Annotated

import typer

from imgxlate.errors import UsageError

PANEL = "Styles"

StyleImages = Annotated[
    list[str] | None,
    typer.Option(
        metavar="IMAGE", help="Take the style of an image of the target domain. Repeatable.", rich_help_panel=PANEL
    ),
]
StyleWeights = Annotated[
    str | None,
    typer.Option(
        metavar="W,W,...",
        help="Mix the images of --style into one style, with a weight for each. Methods: see mix-styles in `imgxlate "
        "methods`.",
        rich_help_panel=PANEL,
    ),
]
Strength = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="X",
        help="How much of the style to take: 0 keeps the input's own. Default: 1. For methods that mix styles.",
        rich_help_panel=PANEL,
    ),
]
StylesFile = Annotated[
    Path | None,
    typer.Option("--styles", metavar="FILE", help="Use the style codes of a styles file.", rich_help_panel=PANEL),
]


def parse_weights(text: str | None) -> tuple[float, ...]:
    """The numbers of `--style-weights`.

    Raises:
        UsageError: `text` is not a list of numbers.
    """
    try:
        return tuple(map(float, text.split(","))) if text is not None else ()
    except ValueError as error:
        raise UsageError(f"--style-weights {text}: must be a list of numbers", hint="For example: 0.7,0.3.") from error
