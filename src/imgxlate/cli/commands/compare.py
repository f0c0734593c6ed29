"""`imgxlate compare`: several methods on the same images, as a grid, numbers and a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli import complete, options, runs, translation
from imgxlate.cli.comparing import carry_out
from imgxlate.cli.comparison_plan import Folder, Metrics, Plan, Protocol
from imgxlate.cli.output import Output
from imgxlate.errors import OutputError, UsageError
from imgxlate.evaluate import entrants
from imgxlate.images.inputs import STDIO, Source, expand
from imgxlate.images.outputs import Existing, Job, names_file, plan_jobs
from imgxlate.torchrun import find_rank

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray

_NUMBERS = "Numbers"


@options.command("device", "precision", "seed", "overwrite", "offline", json=options.JSON_LINES)
def compare(
    out: Output,
    inputs: options.Inputs,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for grid.png, metrics.json, metrics.csv, report.html and images/; created if missing.",
        ),
    ] = "comparison",
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Default: all methods with a model at hand, and neural-style if --style is given.",
            autocompletion=complete.compared,
        ),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE", help="A style image for neural-style. Repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD=NAME",
            help="A model by name, file or folder of a run. Repeatable: several models of one method are compared too.",
        ),
    ] = None,
    to: options.To = None,
    size: options.Size = None,
    n_styles: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of images for each input, for methods with styles.")
    ] = 2,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="METHOD.KEY=VALUE",
            help="An option of a method without a model, such as neural-style.iterations=100. Repeatable.",
        ),
    ] = None,
    targets: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Real images of the target domain: measures how similar the translated images are to them.",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="Pairs for diversity: all pairs of 4 styles of each input, or 19 pairs of each of 100 inputs, as in "
            "MUNIT's paper.",
            rich_help_panel=_NUMBERS,
        ),
    ] = "all",
    metrics: Annotated[
        Metrics,
        typer.Option(
            help="Networks that measure the images: the published ones (LPIPS, FID, KID), the bundled VGG-19, or none "
            "(time and memory only). auto: the published ones if they are available.",
            rich_help_panel=_NUMBERS,
        ),
    ] = "auto",
    rows: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of inputs shown in grid and report. All are measured.")
    ] = 24,
    *,
    settings: options.Settings,
) -> None:
    """Compare several methods on the same images: a grid, numbers, and a report to view in a browser.

    The images go to images/, named <stem>.<method>[.<nn>].png, where nn numbers the styles from 00.
    """
    entries = entrants.choose(_split(methods), model or [], assignments or [], painted=bool(style))
    sources = expand(inputs, output)
    folder = _folder(output)
    if targets is not None and metrics == "none":
        raise UsageError("--targets takes networks to measure with, and --metrics none has none")
    translation.require_shareable(find_rank(), None, [folder.root])
    plan = Plan(
        folder=folder,
        entries=entries,
        sources=sources,
        jobs=_jobs(folder, entries, sources, n_styles, settings.overwrite),
        style_images=_read_styles(style or [], folder),
        targets=None if targets is None else _images("--targets", [targets], folder),
        to=to,
        size=size,
        n_styles=n_styles,
        protocol=protocol,
        metrics=metrics,
        rows=rows,
        device=settings.device,
        precision=settings.precision,
        seed=settings.seed,
        offline=settings.offline,
    )
    carry_out(out, plan)


def _split(methods: str | None) -> list[str] | None:
    return None if methods is None else [name.strip() for name in methods.split(",") if name.strip()]


def _folder(output: str) -> Folder:
    """The folder that `output` names.

    Raises:
        UsageError: it can be none.
    """
    if output == STDIO or names_file(output):
        raise UsageError(f"-o {output}: a comparison is several files", hint="Give a folder: `-o comparison/`.")
    return Folder(Path(output))


def _jobs(
    folder: Folder, entries: Sequence[entrants.Entry], sources: Sequence[Source], n_styles: int, overwrite: bool
) -> dict[str, list[Job]]:
    """What each entrant is to make, by its key.

    Raises:
        UsageError: two things would be written to one place, or over an input.
        OutputError: an output exists and is not to be replaced, or cannot be written where it is to go.
    """
    extras = [*folder.files, *([folder.stdin] if Source(None) in sources else [])]
    place = f"{folder.pictures}/"
    jobs = {
        entry.key: plan_jobs(sources, place, entry.key, n_styles if entry.has_styles else 1, Existing.OVERWRITE, extras)
        for entry in entries
    }
    targets = [target.path for each in jobs.values() for job in each for target in job.targets if target.path]
    taken = [path for path in (*extras, *targets) if path.exists()]
    if taken and not overwrite:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise OutputError(f"{taken[0]}{more} already exists", hint="Add --overwrite to replace it, or give another -o.")
    return jobs


def _images(option: str, names: Sequence[str], folder: Folder) -> list[Source]:
    """The image files that an option names, without those that an earlier comparison made.

    Raises:
        UsageError: standard input is among them.
        ImageError: there are none.
    """
    if STDIO in names:
        raise UsageError(f"{option} {STDIO}: only an input can come through standard input", hint="Give a file.")
    return expand(names, str(folder.root))


def _read_styles(names: Sequence[str], folder: Folder) -> "dict[Path, ImageArray]":
    """The style images by their files.

    Raises:
        UsageError: standard input is among them.
        ImageError: one cannot be read.
    """
    return {source.path: runs.read_picture(source) for source in _images("--style", names, folder) if source.path}
