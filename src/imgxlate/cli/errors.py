"""Turns errors into messages and exit codes. No other module catches them for that."""

import contextlib
import sys
import traceback
from collections.abc import Iterator

import typer

from imgxlate.cli import interrupts
from imgxlate.cli.output import Output
from imgxlate.errors import INTERRUPTED, ImgxlateError, known_error


@contextlib.contextmanager
def session(
    *, as_json: bool = False, quiet: bool = False, verbose: bool = False, debug: bool = False
) -> Iterator[Output]:
    """Run a command with an `Output`, and turn every error into a message and an exit code.

    Raises:
        typer.Exit: with the error's exit code: 1 for an unexpected error, 130 for Ctrl-C.
    """
    output = Output(as_json=as_json, verbosity=-1 if quiet else int(verbose))
    try:
        interrupts.release()
        yield output
    except KeyboardInterrupt as error:
        output.console.print("interrupted")
        raise typer.Exit(INTERRUPTED) from error
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        raise typer.Exit(_report(output, error, debug)) from error
    finally:
        _tell_algorithms(output)


def _tell_algorithms(output: Output) -> None:
    """If verbose, tell which algorithms computed the convolutions that had a choice."""
    algorithms = sys.modules.get("imgxlate.nn.algorithms")
    for line in algorithms.choices.summary() if algorithms else []:
        output.detail(line)


def _report(output: Output, error: Exception, debug: bool) -> int:
    if debug:
        output.console.print("".join(traceback.format_exception(error)).rstrip())
    known = known_error(error)
    if known is None:
        known = ImgxlateError(
            f"{type(error).__name__}: {error}",
            hint="This is a bug in imgxlate. Run it again with --debug and report what it prints.",
        )
    output.error(known)
    return known.exit_code
