"""Freezes the arguments and options of all commands, with their defaults.

`python tests/cli/test_flags.py` writes the list again, after a change that is meant.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from types import NoneType
from typing import Any, get_args

import typer.main

from imgxlate.cli.app import COMMANDS, app

LISTING = Path(__file__).with_name("flags.txt")


def test_the_commands_have_the_flags_and_defaults_that_are_listed():
    assert listing() == LISTING.read_text().splitlines(), "if you meant this, run `python tests/cli/test_flags.py`"


def listing() -> list[str]:
    """A heading for each command, and a line for each of its parameters."""
    return [line for name, command, function in all_commands() for line in (name, *lines(command, function))]


def all_commands() -> Iterator[tuple[str, Any, Any]]:
    """Each command's full name, the command that typer makes, and the function that it calls."""
    made = typer.main.get_command(app)
    yield from commands(app)
    groups = []
    for name, (place, _) in COMMANDS.items():
        found = resolve_name(f"imgxlate.cli.commands.{place}")
        if isinstance(found, typer.Typer):
            groups.append((found, f"imgxlate {name}"))
        else:
            yield f"imgxlate {name}", made.commands[name], found
    for group, name in groups:
        yield from commands(group, name)


def test_the_lines_of_the_main_help_are_those_of_the_commands():
    made = typer.main.get_command(app)
    for name, (_, line) in COMMANDS.items():
        assert made.commands[name].help.splitlines()[0] == line


def commands(group: typer.Typer, name: str = "imgxlate") -> Iterator[tuple[str, Any, Any]]:
    """Each command's full name, the command that typer makes, and the function that it calls."""
    made = typer.main.get_command(group)
    if group.registered_callback:
        yield name, made, group.registered_callback.callback
    for info in group.registered_commands:
        word = info.name or info.callback.__name__.replace("_", "-")
        yield f"{name} {word}", made.commands[word], info.callback
    for info in group.registered_groups:
        yield from commands(info.typer_instance, f"{name} {info.name}")


def lines(command: Any, function: Any) -> list[str]:
    """The parameters by panel, as `--help` shows them."""
    parameters = inspect.signature(function).parameters
    panels: dict[str, list[str]] = {"Options": []}
    for made in command.params:
        if made.name in parameters:  # Not --help and the like, which typer adds.
            parameter = parameters[made.name]
            kind, declared = get_args(parameter.annotation)
            limits = f" from {declared.min} to {declared.max}" if (declared.min, declared.max) != (None, None) else ""
            flags = " ".join([*made.opts, *made.secondary_opts, *filter(None, [made.metavar])])
            default = "required" if parameter.default is parameter.empty else f"= {parameter.default!r}"
            panel = declared.rich_help_panel or "Options"
            panels.setdefault(panel, []).append(f"    {flags}: {written(kind)}{limits} {default} [{panel}]")
    return [line for panel in panels.values() for line in panel]


def written(kind: Any) -> str:
    """A type, the same in all releases of Python."""
    if NoneType in get_args(kind):
        return " | ".join(written(part) for part in get_args(kind) if part is not NoneType) + " | None"
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("typing.", "")


if __name__ == "__main__":
    LISTING.write_text("".join(f"{line}\n" for line in listing()))
