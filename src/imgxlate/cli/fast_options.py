"""The options of `imgxlate neural-style` for painting in one pass, by the first built-in method that mixes styles."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from imgxlate.cli.config_options import flag
from imgxlate.config import from_mapping
from imgxlate.errors import UsageError
from imgxlate.inference.fast_config import FastStyleConfig
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability

SPEC = registry.built_in(Capability.MIX_STYLES)
_KEYS = frozenset(field.name for field in fields(FastStyleConfig))
_PANEL = f"In one pass ({SPEC.title})"

Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help=f"Paint in one pass with {SPEC.title}, in seconds instead of minutes. The textures are less rich. "
        "It needs --checkpoint or --model.",
        rich_help_panel=_PANEL,
    ),
]
Strength = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="X",
        help="How much of the style to take: 0 keeps that of CONTENT. Default: 1.",
        rich_help_panel=_PANEL,
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help=f"A model of {SPEC.title} by name.", rich_help_panel=_PANEL),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help=f"A checkpoint of {SPEC.title}, or the folder of a run of `imgxlate train {SPEC.name}`.",
        rich_help_panel=_PANEL,
    ),
]


def require_fast(**values: object) -> None:
    """Refuse options that only `--fast` has, if they have a value.

    Raises:
        UsageError: one has.
    """
    for name, value in values.items():
        if value is not None:
            raise UsageError(f"--{name} needs --fast or --init fast", hint="Add one, or leave the option out.")


def require_painting(*, figure: bool, record: bool) -> None:
    """Refuse `--init fast` for figures of the paper, and together with records, which do not hold its model.

    Raises:
        UsageError: one of them is wanted.
    """
    if figure or record:
        other = "figures of the paper" if figure else "a record"
        raise UsageError(f"--init fast and {other} exclude each other", hint="Leave out --init fast.")


def configure(given: Mapping[str, Any], strength: float | None) -> FastStyleConfig:
    """The configuration from options by key, of which others are left out.

    Raises:
        UsageError: a value is invalid.
    """
    values = {key: value for key, value in given.items() if key in _KEYS}
    share = {} if strength is None else {"strength": strength}
    return from_mapping(FastStyleConfig, values | share, origin="options")


def refuse_optimization(given: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    """Refuse options of the optimization. `given` are those that are given, by key; `others` may have no value.

    Raises:
        UsageError: there is one.
    """
    unfit = [flag(key) for key in given if key not in _KEYS] + [name for name, value in others.items() if value]
    if unfit:
        raise UsageError(
            f"{unfit[0]} has no effect with --fast, which does not optimize the image",
            hint=f"Leave out {unfit[0]}, or --fast.",
        )
