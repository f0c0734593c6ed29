"""The application: the list of commands, each of which is imported when it is used."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from imgxlate import __version__
from imgxlate.cli import original_flags

# Where each command is, and its line in `imgxlate --help`, which imports none of them.
COMMANDS = {
    "translate": ("translate:translate", "Translate images, or a film, of one domain into the other."),
    "sample-styles": (
        "sample_styles:sample_styles",
        "Draw one sheet of styles: a row for each style, a column for each input.",
    ),
    "neural-style": (
        "neural_style:neural_style",
        "Paint CONTENT in the style of one or more images, by optimization over VGG-19's features.",
    ),
    "train": (
        "train:train",
        "Train a model that translates images of one kind into images of another, from a folder of each.",
    ),
    "compare": (
        "compare:compare",
        "Compare several methods on the same images: a grid, numbers, and a report to view in a browser.",
    ),
    "data": ("data:app", "Check, split and download training sets."),
    "methods": ("methods:methods", "List all methods: built-in ones, plug-ins, and plug-ins that cannot be loaded."),
    "doctor": (
        "doctor:doctor",
        "Show versions, devices, folders and problems. Exits with 7 if torch or torchvision cannot be used.",
    ),
    "weights": ("weights:app", "List, fetch, check, import and export weights."),
}


class _Commands(MutableMapping[str, Any]):
    """The commands by name, each imported at its first use."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Command(TyperCommand):
    """A command that knows the options of the original programs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments. An option of the originals is an error that says what to type."""
        own = [name for option in self.params for name in (*option.opts, *option.secondary_opts)]
        if message := original_flags.explain(str(self.name), args, own):
            raise typer.BadParameter(message, ctx=ctx)
        return super().parse_args(ctx, args)


class _Group(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, without importing the commands."""
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List the commands by the lines above."""
        self.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}
        super().format_help(ctx, formatter)
        self.commands = _Commands()


app = typer.Typer(
    name="imgxlate",
    cls=_Group,
    help="Translate images from one kind to another, with no paired examples.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _load(name: str) -> Any:
    """The command of that name.

    Raises:
        KeyError: there is none.
    """
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(f"imgxlate.cli.commands.{module}"), attribute)
    alone = typer.Typer()
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name, cls=_Command)(found)
    return typer.main.get_group(alone).commands[name]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imgxlate {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Translate images from one kind to another, with no paired examples."""
