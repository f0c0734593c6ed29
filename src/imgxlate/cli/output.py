"""The output of a command: data on stdout, messages on stderr."""

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
    """The two streams of a command, and its verbosity.

    `verbosity` is -1 for errors only, 0 for the usual messages, 1 for details.
    """

    def __init__(self, *, as_json: bool = False, verbosity: int = 0) -> None:
        self.as_json = as_json
        self.verbosity = verbosity
        self._noted: set[str] = set()
        stderr = None if sys.stderr is None else cast(TextIO, _Stderr())
        self.console = Console(file=stderr, stderr=True, soft_wrap=True, highlight=False, markup=False)

    def note(self, text: str) -> None:
        """Print a line on stderr, unless quiet."""
        if self.verbosity >= 0:
            self.console.print(text)

    def note_once(self, subject: str, text: str) -> None:
        """Print a line on stderr about `subject`, unless quiet. A text is printed for its first subject only."""
        if text not in self._noted:
            self._noted.add(text)
            self.note(f"{subject}: {text}")

    def detail(self, text: str) -> None:
        """Print a line on stderr if verbose."""
        if self.verbosity >= 1:
            self.console.print(text, style="dim")

    def error(self, error: ImgxlateError) -> None:
        """Print an error and its hint on stderr."""
        self.console.print(Text("error: ", style="bold red").append(str(error), style="not bold default"))
        if error.hint:
            self.console.print(Text("hint:  ", style="bold").append(error.hint, style="not bold"))

    def record(self, values: Mapping[str, Any]) -> None:
        """Print a line of JSON on stdout, if `--json` is given."""
        if self.as_json:
            _write(json.dumps(values) + "\n")  # ASCII, so that any file name can be written.

    def document(self, values: Mapping[str, Any]) -> None:
        """Print one JSON document on stdout."""
        _write(json.dumps(values, indent=2) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table on stdout. Lines are folded only on a terminal."""
        table = Table(*columns, box=None, pad_edge=False, header_style="bold", expand=False)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        lines = io.StringIO()
        width = None if _is_terminal() else _UNFOLDED
        Console(file=lines, force_terminal=_is_terminal(), width=width, highlight=False, markup=False).print(table)
        _write("".join(f"{line.rstrip()}\n" for line in lines.getvalue().splitlines()))

    def line(self, text: str) -> None:
        """Print a line of data on stdout."""
        _write(f"{text}\n")

    def image(self, data: bytes) -> None:
        """Write the bytes of an image file to stdout.

        Raises:
            UsageError: stdout is a terminal.
            OutputError: stdout cannot be written.
        """
        require_piped_stdout()
        with _stdout() as stream:
            stream.buffer.write(data)


class _Stderr:
    """The current standard error. When its reader is gone, messages are dropped and work continues."""

    def write(self, text: str) -> int:
        """Write `text`, or drop it if nobody reads."""
        with self._open() as stream:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop the buffer if nobody reads."""
        with self._open() as stream:
            stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)

    @contextlib.contextmanager
    def _open(self) -> Iterator[TextIO]:
        try:
            yield sys.stderr
        except OSError:  # The reader of a pipe is gone, or the terminal is closed.
            _silence(sys.stderr)


def require_piped_stdout() -> None:
    """Refuse to write an image's bytes to a terminal.

    Raises:
        UsageError: stdout is a terminal.
    """
    if _is_terminal():
        raise UsageError("will not write an image to the terminal", hint="Redirect it: `... -o - > image.png`.")


def _silence(stream: TextIO) -> None:
    """Redirect a stream that cannot be written to the null device, so that its buffer is dropped without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _write(text: str) -> None:
    with _stdout() as stream:
        stream.write(_encodable(text, stream))


def _encodable(text: str, stream: TextIO) -> str:
    """The text with escapes for what a strict stream cannot write, such as a file name that is not UTF-8."""
    if stream.errors != "strict":
        return text
    return text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


@contextlib.contextmanager
def _stdout() -> Iterator[TextIO]:
    """Standard output, flushed at the end of the block.

    Raises:
        OutputError: it is closed or cannot be written. Its buffer is dropped.
        typer.Exit: the reader closed it.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError as error:  # The reader, such as `head`, needs no more: no message.
        _silence(sys.stdout)
        raise typer.Exit(OutputError.exit_code) from error
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
