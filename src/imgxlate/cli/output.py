"""What a command says: data on stdout, everything for people on stderr."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO, cast

import typer
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
        heard = None if sys.stderr is None else cast(TextIO, _Stderr())
        self.console = Console(file=heard, stderr=True, soft_wrap=True, highlight=False, markup=False)

    def note(self, text: str) -> None:
        """A line on stderr, unless quiet."""
        if self.verbosity >= 0:
            self.console.print(text)

    def detail(self, text: str) -> None:
        """A line on stderr where details are wanted."""
        if self.verbosity >= 1:
            self.console.print(text, style="dim")

    def error(self, error: ImgxlateError) -> None:
        """An error and its hint on stderr."""
        self.console.print(Text("error: ", style="bold red").append(str(error), style="not bold default"))
        if error.hint:
            self.console.print(Text("hint:  ", style="bold").append(error.hint, style="not bold"))

    def record(self, values: Mapping[str, Any]) -> None:
        """A line of JSON on stdout, where `--json` asks for it."""
        if self.as_json:
            _write(json.dumps(values) + "\n")  # ASCII, so that any name of a file can be written.

    def document(self, values: Mapping[str, Any]) -> None:
        """One JSON document on stdout."""
        _write(json.dumps(values, indent=2) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table on stdout; never folded where stdout is no terminal."""
        table = Table(*columns, box=None, pad_edge=False, header_style="bold", expand=False)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        lines = io.StringIO()
        width = None if _is_terminal() else _UNFOLDED
        Console(file=lines, force_terminal=_is_terminal(), width=width, highlight=False, markup=False).print(table)
        _write("".join(f"{line.rstrip()}\n" for line in lines.getvalue().splitlines()))

    def line(self, text: str) -> None:
        """A line of data on stdout."""
        _write(f"{text}\n")

    def picture(self, data: bytes) -> None:
        """An image file's bytes on stdout.

        Raises:
            UsageError: stdout is a terminal.
            OutputError: nobody reads stdout any more.
        """
        require_piped_stdout()
        with _stdout() as stream:
            stream.buffer.write(data)


class _Stderr:
    """Standard error as it is at the time. Where nobody listens any more, work goes on in silence."""

    def write(self, text: str) -> int:
        """Write, or not."""
        with self._heard() as stream:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or not."""
        with self._heard() as stream:
            stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)

    @contextlib.contextmanager
    def _heard(self) -> Iterator[TextIO]:
        try:
            yield sys.stderr
        except OSError:  # The reader of a pipe is gone, or the terminal is closed.
            _silence(sys.stderr)


def require_piped_stdout() -> None:
    """Refuse to write an image's bytes to a terminal.

    Raises:
        UsageError: stdout is one.
    """
    if _is_terminal():
        raise UsageError("will not write an image to the terminal", hint="Redirect it: `... -o - > picture.png`.")


def _silence(stream: TextIO) -> None:
    """Send what is still buffered nowhere, once a stream cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _write(text: str) -> None:
    with _stdout() as stream:
        stream.write(text)


@contextlib.contextmanager
def _stdout() -> Iterator[TextIO]:
    """Standard output, flushed at the end of the block.

    Raises:
        OutputError: it is closed or cannot be written; what it still holds is thrown away.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError as error:  # The reader has what it wanted, as `head` has: nothing to tell anybody.
        _silence(sys.stdout)
        raise typer.Exit(OutputError.exit_code) from error
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
