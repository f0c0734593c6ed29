"""The application: wires the commands together, and nothing else."""

from typing import Annotated

import typer

from imgxlate import __version__
from imgxlate.cli.commands import compare, doctor, methods, neural_style, sample_styles, train, translate, weights

app = typer.Typer(
    name="imgxlate",
    help="Translate images from one kind to another, with no paired examples.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(translate.translate)
app.command()(sample_styles.sample_styles)
app.command()(neural_style.neural_style)
app.command()(train.train)
app.command()(compare.compare)
app.command()(methods.methods)
app.add_typer(weights.app, name="weights")
app.command()(doctor.doctor)


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
