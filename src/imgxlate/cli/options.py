"""Options that several commands share, each defined once, and the decorator that makes a function a command."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from imgxlate import memory
from imgxlate import threads as torch_threads
from imgxlate.cli import complete, config_options
from imgxlate.cli.film_options import FilmOptions
from imgxlate.errors import UsageError
from imgxlate.images.limits import MAX_PIXELS, Limits, parse_pixels, parse_white
from imgxlate.threads import AUTO, AdaptiveThreads

if TYPE_CHECKING:
    import torch

    from imgxlate.images.outputs import Existing

_RUNNING = "Running"

JSON_LINES = "Print a JSON object per line, one for each output."
JSON_DOCUMENT = "Print one JSON document."

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
        help="A file, a folder, or - for standard output. The path is a folder if it ends in /, exists as one, or has "
        "no suffix of a known file type; a missing folder is created. Default: the current folder.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A model by name: see `imgxlate weights list`.", autocompletion=complete.weights),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A checkpoint of imgxlate or of an original implementation (.pt, .pth), or the folder of a run, for its "
        "best model.",
    ),
]
Generators = Annotated[
    list[str] | None,
    typer.Option(
        "--generator",
        metavar="NAME",
        help="Name of the generator to use, in a file that an original's program wrote. Twice: A's first, then B's.",
    ),
]
OriginalConfig = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The original's yaml file, for settings that the weights do not show."),
]
To = Annotated[
    str | None,
    typer.Option(metavar="DOMAIN", help="The target domain: its name, A or B. Default: B, or the only one."),
]
Size = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Shorter side in pixels. Default: the input's own size.")
]
WorkSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Translate large images at a shorter side of N pixels, and carry the change to the full size. Outputs "
        "keep the detail of their inputs. Much faster for large photos.",
    ),
]
Depth = Annotated[
    Literal["8", "16"],
    typer.Option(
        help="Bits per channel of the outputs. With 16, inputs of 16 bits keep them, and outputs are PNG or TIFF."
    ),
]
Format = Annotated[
    Literal["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "ppm", "same"],
    typer.Option(
        "--format",
        help="The format of the files in a folder of outputs; same: that of each input, if it can be written.",
    ),
]
NameTemplate = Annotated[
    str,
    typer.Option(
        metavar="TEMPLATE",
        help="The names in a folder of outputs, without their suffix: {stem} is the input's name, {style} the number "
        "of the style. '{stem}' gives plain names.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:N or mps. A device that is absent is an error.",
        rich_help_panel=_RUNNING,
    ),
]


@dataclass(frozen=True, slots=True)
class Settings:
    """Options that commands share. A command lists the ones that it has; the others keep their defaults."""

    device: Device = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "fp32-fast", "bf16"],
        typer.Option(
            help="fp32-fast lets convolutions take fewer multiplications. auto is bf16 where the hardware has it, "
            "else fp32-fast: faster, but not the same image as fp32. Translations differ by up to 2 of 255 gray "
            "levels.",
            rich_help_panel=_RUNNING,
        ),
    ] = "auto"
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=2**63 - 1,
            help="Seed for all random choices. The same seed gives the same image.",
            rich_help_panel=_RUNNING,
        ),
    ] = 0
    threads: Annotated[
        str,
        typer.Option(
            metavar="auto|N",
            envvar=torch_threads.VARIABLE,
            help="Number of threads to compute with. auto: all, or one where that is faster, as for small images or on "
            "a busy machine. The last bits of a result depend on the number.",
            rich_help_panel=_RUNNING,
        ),
    ] = AUTO
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="The most memory for this program on the device that computes, such as 4GB. Images that need more "
            "are computed in bands of rows. Default: half of what is free.",
            rich_help_panel=_RUNNING,
        ),
    ] = None
    max_pixels: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Refuse images with more pixels than this, such as 500M for 500 megapixels.",
            rich_help_panel=_RUNNING,
        ),
    ] = str(MAX_PIXELS)
    white: Annotated[
        str,
        typer.Option(
            metavar="auto|N",
            help="The value of white in images of 16 bits, such as 4095 for 12 bits. auto is 4095 for an image without "
            "larger values, else 65535.",
            rich_help_panel=_RUNNING,
        ),
    ] = AUTO
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=_RUNNING)
    ] = False
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Skip outputs that exist.", rich_help_panel=_RUNNING)
    ] = False
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Do not use the network. The variable IMGXLATE_OFFLINE=1 does the same.",
            rich_help_panel=_RUNNING,
        ),
    ] = False

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: `threads`, `memory`, `max_pixels` or `white` is invalid.
        """
        torch_threads.parse(self.threads)
        memory.parse(self.memory)
        parse_pixels(self.max_pixels)
        parse_white(self.white)

    def start_threads(self, device: "torch.device") -> AdaptiveThreads:
        """Set the number of torch's threads; it may adapt to the machine if `device` is a CPU. Keep freed memory."""
        memory.keep_freed_memory()
        return AdaptiveThreads(torch_threads.parse(self.threads), device)

    @property
    def limits(self) -> Limits:
        """How large the images may be that are read, and their value of white."""
        return Limits.of(parse_pixels(self.max_pixels), parse_white(self.white))

    @property
    def existing(self) -> "Existing":
        """How to treat outputs that exist.

        Raises:
            UsageError: both --overwrite and --skip-existing are given.
        """
        from imgxlate.images.outputs import Existing

        if self.overwrite and self.skip_existing:
            raise UsageError("--overwrite and --skip-existing exclude each other")
        if self.overwrite:
            return Existing.OVERWRITE
        return Existing.SKIP if self.skip_existing else Existing.REFUSE


RUNNING = tuple(field.name for field in fields(Settings))


def command(
    *shared: str,
    json: str = JSON_DOCUMENT,
    config: type | None = None,
    is_base: bool = False,
    after: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command: add shared options, and run it in a session.

    Four parameters of the function are filled in: `out` with the command's output, `settings` with a `Settings`, `film`
    with `FilmOptions`, and `given` with the given options of `config`, by key. Typer turns all others into arguments
    and options.

    Args:
        shared: Fields of `Settings` that are options of the command. `--help` lists them in the place of `settings`.
        json: Help text of `--json`.
        config: A dataclass whose fields with a panel are options of the command, in the place of `given`.
        is_base: Whether the configuration will be of a class derived from `config`, with other ranges and defaults.
        after: Options that `--help` lists directly after another option, with that option.
    """
    messages = _message_options(json)
    filled_in = {
        "out": [],
        "settings": [option for option in _fields(Settings) if option.name in shared],
        "film": _fields(FilmOptions),
        "given": config_options.declared(config, is_base=is_base) if config else [],
    }

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(function).parameters
        listed = [option for name, one in own.items() for option in filled_in.get(name, [one])]

        @functools.wraps(function)
        def run(**values: Any) -> None:
            from imgxlate.cli.errors import session  # Imported late, so that `--help` and completion stay fast.

            with session(**{option.name: values.pop(option.name) for option in messages}) as out:
                settings = Settings(**{name: values.pop(name) for name in shared})
                given = config_options.take(config, values) if config else {}
                passed = {"out": out, "settings": settings, "given": given}
                if "film" in own:
                    passed["film"] = FilmOptions(**{name: values.pop(name) for name in FilmOptions.names()})
                function(**values, **{name: value for name, value in passed.items() if name in own})

        run.__dict__["__signature__"] = inspect.Signature(_sorted([*listed, *messages], after or {}))
        run.__annotations__ = {}  # Typer reads those of the signature.
        return run

    return decorate


def check_stdout(output: str | None, as_json: bool) -> None:
    """Check that with `-o -` nothing else is written to standard output, and that it is not a terminal.

    Raises:
        UsageError: `--json` writes to standard output too, or standard output is a terminal.
    """
    from imgxlate.cli.output import require_piped_stdout
    from imgxlate.images.inputs import STDIO

    if output == STDIO:
        if as_json:
            raise UsageError("-o - and --json both write to standard output", hint="Write the image to a file.")
        require_piped_stdout()


def domain_pair(domains: str | None) -> tuple[str, str] | None:
    """The names of both domains in `--domains`.

    Raises:
        UsageError: the option does not have two names, or a name is the letter of the other domain.
    """
    if domains is None:
        return None
    first, comma, second = domains.partition(",")
    if not (comma and first.strip() and second.strip()) or "," in second:
        raise UsageError(f"--domains {domains}: two names are needed", hint="For example: `--domains summer,winter`.")
    if first.strip().lower() == "b" or second.strip().lower() == "a":
        raise UsageError(f"--domains {domains}: A cannot be named b, nor B a", hint="`--to b` always means B.")
    return first.strip(), second.strip()


def _message_options(json: str) -> list[Parameter]:
    """The options that set the arguments of a session."""
    flags = {
        "as_json": ("--json", json),
        "quiet": ("--quiet", "-q", "Print errors only."),
        "verbose": ("--verbose", "-v", "Print more details."),
        "debug": ("--debug", "Print tracebacks."),
    }
    kinds = {
        name: Annotated[bool, typer.Option(*names, help=text, rich_help_panel="Messages")]
        for name, (*names, text) in flags.items()
    }
    return [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=False) for name, kind in kinds.items()]


def _fields(cls: type) -> list[Parameter]:
    """The fields of a dataclass, as parameters of a command."""
    kinds = get_type_hints(cls, include_extras=True)
    return [
        Parameter(field.name, Parameter.KEYWORD_ONLY, annotation=kinds[field.name], default=field.default)
        for field in fields(cls)
    ]


def _sorted(options: list[Parameter], after: Mapping[str, str]) -> list[Parameter]:
    """The options in the order of `--help`."""
    named = {option.name: option for option in options}
    order = [name for name in named if name not in after]
    for name, previous in after.items():
        order.insert(order.index(previous) + 1, name)
    return [named[name].replace(kind=Parameter.KEYWORD_ONLY) for name in order]
