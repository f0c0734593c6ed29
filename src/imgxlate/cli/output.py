"""What a command says: data on stdout, everything for people on stderr."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from imgxlate.errors import ImgxlateError, OutputError, UsageError

_UNFOLDED = 10_000  # columns: wider than any row


class Output:
    """The two streams of a command, and how much it says.

    `verbosity` is -1 for errors only, 0 for what matters, 1 for details.
    """

    def __init__(self, *, as_json: bool = False, verbosity: int = 0) -> None:
        self.as_json = as_json
        self.verbosity = verbosity
        self.console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)

    def note(self, text: str) -> None:
        """A line on stderr, unless quiet."""
        if self.verbosity >= 0:
            self.console.print(text)

    def detail(self, text: str) -> None:
        """A line on stderr where details are wanted."""
        if self.verbosity >= 1:
            self.console.print(text, style="dim")

    def warn(self, text: str) -> None:
        """A warning on stderr, unless quiet."""
        self.note(f"warning: {text}")

    def error(self, error: ImgxlateError) -> None:
        """An error and its hint on stderr."""
        self.console.print(Text("error: ", style="bold red").append(str(error), style="not bold default"))
        if error.hint:
            self.console.print(Text("hint:  ", style="bold").append(error.hint, style="not bold"))

    def record(self, values: Mapping[str, Any]) -> None:
        """A line of JSON on stdout, where `--json` asks for it."""
        if self.as_json:
            sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def document(self, values: Mapping[str, Any]) -> None:
        """One JSON document on stdout."""
        sys.stdout.write(json.dumps(values, ensure_ascii=False, indent=2) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table on stdout; never folded where stdout is no terminal."""
        table = Table(*columns, box=None, pad_edge=False, header_style="bold", expand=False)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        if sys.stdout.isatty():
            Console(highlight=False, markup=False).print(table)
            return
        console = Console(highlight=False, markup=False, width=_UNFOLDED)
        with console.capture() as capture:
            console.print(table)
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())

    def picture(self, data: bytes) -> None:
        """An image file's bytes on stdout.

        Raises:
            UsageError: stdout is a terminal.
            OutputError: nobody reads stdout any more.
        """
        require_piped_stdout()
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise OutputError(f"standard output: {error.strerror}") from error


def require_piped_stdout() -> None:
    """Refuse to write an image's bytes to a terminal.

    Raises:
        UsageError: stdout is one.
    """
    if sys.stdout.isatty():
        raise UsageError("will not write an image to the terminal", hint="Redirect it: `... -o - > picture.png`.")


def silence_stdout() -> None:
    """Send what is still buffered nowhere, once the reader of stdout has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
