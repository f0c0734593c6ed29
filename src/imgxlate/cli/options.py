"""Arguments and options that several commands share, each defined once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from imgxlate.cli import complete
from imgxlate.cli.output import require_piped_stdout
from imgxlate.errors import UsageError
from imgxlate.images.inputs import STDIO
from imgxlate.images.outputs import Existing

STYLE = "Styles (MUNIT)"
_RUN = "Running"
_SAY = "Messages"

Inputs = Annotated[
    list[str],
    typer.Argument(metavar="INPUT", help="Images, folders (searched recursively), or - for standard input."),
]
OutputPath = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="A file, a folder, or - for standard output. A path that ends in /, exists as a folder, or has no "
        "image suffix is a folder, made if missing. Default: the current folder.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A model by name: see `imgxlate weights list`.", autocompletion=complete.weights),
]
Checkpoint = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A checkpoint: ours, or an original's (.pt, .pth).")
]
OriginalConfig = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The original's yaml, for what weights do not show.")
]
To = Annotated[
    str | None,
    typer.Option(metavar="DOMAIN", help="Where to: a domain's name, A or B. Default: B, or the only one."),
]
Size = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Shorter side in pixels. Default: the input's own size.")
]
StyleImages = Annotated[
    list[str] | None,
    typer.Option(
        metavar="IMAGE", help="Take the style of an image of the target domain. Repeatable.", rich_help_panel=STYLE
    ),
]
StylesFile = Annotated[
    Path | None,
    typer.Option("--styles", metavar="FILE", help="Replay the codes of a styles file.", rich_help_panel=STYLE),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps. One that is absent is an error.", rich_help_panel=_RUN
    ),
]
PrecisionOption = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(
        help="auto takes bf16 where the hardware has it and the picture stays the same.", rich_help_panel=_RUN
    ),
]
Seed = Annotated[
    int, typer.Option(min=0, max=2**63 - 1, help="Everything random follows from it.", rich_help_panel=_RUN)
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=_RUN)]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave out what is already there.", rich_help_panel=_RUN)
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Open no connection. Also IMGXLATE_OFFLINE=1.", rich_help_panel=_RUN)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print a JSON object a line for each output written.", rich_help_panel=_SAY)
]
JsonDocument = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=_SAY)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Errors only.", rich_help_panel=_SAY)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.", rich_help_panel=_SAY)]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=_SAY)]


def existing(overwrite: bool, skip_existing: bool) -> Existing:
    """What `--overwrite` and `--skip-existing` ask for.

    Raises:
        UsageError: both are given.
    """
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other")
    if overwrite:
        return Existing.OVERWRITE
    return Existing.SKIP if skip_existing else Existing.REFUSE


def check_stdout(output: str | None, as_json: bool) -> None:
    """Check that `-o -` leaves stdout to the picture alone, and that it goes somewhere.

    Raises:
        UsageError: `--json` wants stdout too, or stdout is a terminal.
    """
    if output == STDIO:
        if as_json:
            raise UsageError("-o - and --json both want standard output", hint="Write the picture to a file.")
        require_piped_stdout()


def domain_pair(domains: str | None) -> tuple[str, str] | None:
    """The names of both domains that `--domains` gives.

    Raises:
        UsageError: it does not name two.
    """
    if domains is None:
        return None
    first, comma, second = domains.partition(",")
    if not (comma and first.strip() and second.strip()) or "," in second:
        raise UsageError(f"--domains {domains}: two names are needed", hint="Such as `--domains summer,winter`.")
    if first.strip().lower() == "b" or second.strip().lower() == "a":
        raise UsageError(f"--domains {domains}: A cannot be named b, nor B a", hint="`--to b` always means B.")
    return first.strip(), second.strip()
