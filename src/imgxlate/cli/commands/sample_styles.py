"""`imgxlate sample-styles`: a sheet of content images in several styles, with the style codes."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from imgxlate.cli import complete, options, style_options
from imgxlate.cli.files import model_sources, read_for_model, write_image
from imgxlate.cli.loading import load_model
from imgxlate.cli.output import Output
from imgxlate.cli.progress import BandWatch, Bar
from imgxlate.cli.shares import find_share
from imgxlate.cli.size_advice import SizeAdvice
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source, expand
from imgxlate.images.jobs import require_no_failures, run_jobs
from imgxlate.images.outputs import Existing, Job, require_writable, single_path
from imgxlate.images.sizes import shorter_side
from imgxlate.inference import style_codes
from imgxlate.inference.style_source import StyleSource, choose_styles
from imgxlate.methods import registry
from imgxlate.methods.spec import OTHER, Capability, MethodSpec
from imgxlate.paths import exists, resolved
from imgxlate.threads import AdaptiveThreads

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.model import Model
    from imgxlate.inference.style_grids import StyleGrid

_STYLES = 5  # number of sampled styles by default


@options.command(*options.RUNNING, json=options.JSON_LINES)
def sample_styles(
    out: Output,
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="munit, or the name of a plug-in.",
            autocompletion=complete.methods_with(Capability.SAMPLE_STYLES),
        ),
    ],
    inputs: options.Inputs,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The sheet: a file, a folder, or - for standard output. Default: <method>.styles.png in the current "
            "folder.",
        ),
    ] = None,
    model: options.ModelName = None,
    checkpoint: options.Checkpoint = None,
    config: options.OriginalConfig = None,
    generator: options.Generators = None,
    to: options.To = None,
    size: options.Size = None,
    cell: Annotated[
        int, typer.Option(min=16, max=4096, metavar="N", help="Longer side of each image on the sheet, in pixels.")
    ] = 256,
    n_styles: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help=f"Number of rows, with sampled styles. Default: {_STYLES}.",
            rich_help_panel=style_options.PANEL,
        ),
    ] = None,
    style: style_options.StyleImages = None,
    styles_file: style_options.StylesFile = None,
    interpolate: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="N rows from one style to another: between two --style images, the first two codes of --styles, or "
            "two sampled codes.",
            rich_help_panel=style_options.PANEL,
        ),
    ] = None,
    save_styles: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write the style codes. Default: beside the sheet, as .json.",
            rich_help_panel=style_options.PANEL,
        ),
    ] = None,
    *,
    settings: options.Settings,
) -> None:
    """Draw one sheet of styles: a row for each style, a column for each input.

    The first row shows the inputs. If style images are given, the first column shows them. The style codes are written
    too: --styles draws the same images from them again.
    """
    started = time.perf_counter()
    spec = registry.find(method, Capability.SAMPLE_STYLES)
    source = _choose_styles(spec, n_styles, style or [], styles_file, interpolate)
    existing = settings.existing
    options.check_stdout(output, out.as_json)
    outputs = _Outputs.settle(output, save_styles, method, source, interpolate)
    find_share(out, len(inputs), output, outputs.paths)
    sources = _sources(out, inputs, output, method, outputs.sheet)
    require_writable(
        outputs.paths, [*sources, *_read_besides(source, interpolate), *model_sources(checkpoint, config)], existing
    )
    kept = {path for path in outputs.paths if existing is Existing.SKIP and exists(path)}
    if outputs.sheet in kept and (outputs.codes is None or outputs.codes in kept):
        return out.note("nothing to do: the sheet exists already")

    seed = settings.seed
    loaded = load_model(out, spec, model, checkpoint, config, settings, generators=generator or (), to=to)
    threads = settings.start_threads(loaded.device)
    cell = _fitting_cell(out, len(sources), interpolate or source.count, cell, outputs.sheet)
    grid = _new_grid(out, loaded, source, to, size, seed, cell, interpolate)
    if outputs.codes in kept:
        style_codes.require_same(outputs.codes, grid.codes, method)
    elif outputs.codes and outputs.sheet in kept:
        style_codes.write(outputs.codes, grid.codes, method)
        return out.note(str(outputs.codes))
    failures = _fill(grid, out, method, sources, threads)
    if grid.columns:
        sheet = grid.draw()
        write_image(out, sheet, outputs.sheet)
        if outputs.codes and outputs.codes not in kept:
            style_codes.write(outputs.codes, grid.codes, method)
        _report(out, grid, sheet, outputs, seed, time.perf_counter() - started)
    return require_no_failures(failures, inputs=len(sources))


def _choose_styles(
    spec: MethodSpec, count: int | None, images: list[str], file: Path | None, interpolate: int | None
) -> StyleSource:
    """The source of the codes of the rows; with `interpolate`, of the codes at both ends.

    Raises:
        UsageError: as `choose_styles`, or the number of styles to interpolate between is not two.
    """
    if interpolate and count:
        raise UsageError("--interpolate and --n-styles exclude each other", hint="--interpolate N draws N rows.")
    if not (count or images or file):
        count = 2 if interpolate else _STYLES
    source = choose_styles(spec, count, images, file)
    if interpolate and (source.count < 2 or len(images) > 2):
        given = f"{len(images)} --style" if images else f"{file} with {source.count}"
        raise UsageError(
            f"--interpolate goes from one style to another, not through {given}",
            hint="Give --style twice, or a styles file with two codes or more.",
        )
    return source


@dataclass(frozen=True, slots=True)
class _Outputs:
    """The paths of the files to write."""

    sheet: Path | None  # None: standard output
    codes: Path | None  # None: the codes are not written
    replayed: Path | None  # the styles file that already has the codes

    @classmethod
    def settle(
        cls,
        output: str | None,
        save_styles: Path | None,
        method: str,
        source: StyleSource,
        interpolate: int | None,
    ) -> Self:
        """The paths of sheet and codes. Codes from a styles file are not written to the same file again.

        Raises:
            UsageError: the format of `output` cannot be written.
        """
        sheet = single_path(output, f"{method}.styles.png")
        codes = save_styles or (sheet.with_suffix(".json") if sheet else None)
        replayed = None if interpolate else source.file
        if codes and replayed and resolved(codes) == resolved(replayed):
            codes = None
        return cls(sheet, codes, replayed)

    @property
    def paths(self) -> list[Path]:
        """The paths of sheet and codes, without standard output."""
        return [path for path in (self.sheet, self.codes) if path]


def _sources(out: Output, inputs: list[str], output: str | None, method: str, sheet: Path | None) -> list[Source]:
    """The content images. The sheet of an earlier run in their folder is left out if there are others."""
    found = expand(inputs, output, registry.labels(), out.note)
    earlier = resolved(sheet) if sheet else None
    return [s for s in found if s.path is None or s.name in inputs or resolved(s.path) != earlier] or found


def _read_besides(source: StyleSource, interpolate: int | None) -> list[Source]:
    """The other files that are read, and must not be overwritten."""
    ends = [str(source.file)] if source.file and interpolate else []
    return [Source(Path(name)) for name in (*source.images, *ends)]


def _fitting_cell(out: Output, contents: int, styles: int, cell: int, sheet: Path | None) -> int:
    """`cell`, or less if the sheet would be too large for memory or for its format.

    Raises:
        UsageError: the sheet is too large with cells of any size.
    """
    from imgxlate.images.encode import longest_side
    from imgxlate.images.grids import plan_sheet

    suffix = sheet.suffix if sheet else ".png"
    plan = plan_sheet(1 + contents, 1 + styles, cell=cell, longest_side=longest_side(suffix))
    if plan.rows <= contents:
        raise UsageError(f"{contents} inputs are too many for one sheet", hint=f"Give {plan.rows - 1} or fewer.")
    if plan.cell < cell:
        out.note(
            f"the sheet shows images at {plan.cell} pixels, because there are {contents} inputs and {styles} styles"
        )
    return plan.cell


def _new_grid(
    out: Output,
    model: "Model",
    source: StyleSource,
    to: str | None,
    size: int | None,
    seed: int,
    cell: int,
    interpolate: int | None,
) -> "StyleGrid":
    """A grid without content images.

    Raises:
        UsageError: the model has no style codes, or codes of another length.
        ImageError: a style image cannot be read.
    """
    from imgxlate.images.grids import thumbnail
    from imgxlate.inference import style_grids
    from imgxlate.inference.style_grids import Style, StyleGrid

    codes = source.codes(model, to=to, size=size, seed=seed)
    if codes is None:
        raise UsageError(f"{model.name} has no style codes")
    images = [
        thumbnail(read_for_model(out, model, Source(Path(name)), model.target(to)), cell) for name in source.images
    ]
    if interpolate:
        codes = style_grids.interpolate(codes, interpolate)
        rows = style_grids.interpolated_rows(images, interpolate)
    elif images:
        rows = [Style(Path(name).name, image) for name, image in zip(source.images, images, strict=True)]
    else:
        rows = [Style(f"style {index:02d}") for index in range(len(codes.codes))]
    return StyleGrid(model, model.target(to), codes, rows, cell, size)


def _fill(
    grid: "StyleGrid", out: Output, method: str, sources: Sequence[Source], threads: AdaptiveThreads
) -> list[str]:
    """Add a column for each content image. Returns a line for each image that cannot be read."""
    advice = SizeAdvice(out, grid.model, grid.size)

    def add(job: Job) -> None:
        image = read_for_model(out, grid.model, job.source, OTHER[grid.to])
        advice.consider(job.source, image)
        pixels = math.prod(image.size if grid.size is None else shorter_side(image.size, grid.size))
        with threads.step(pixels * len(grid.styles), grid.model.average_products(pixels)):
            grid.add(job.source.stem, image, watch.begin(job.source.name, pixels))

    jobs = [Job(source, ()) for source in sources]
    with Bar(out, method, len(jobs), "images").shown() as bar:
        watch = BandWatch(out, bar, grid.model)
        return run_jobs(jobs, add, inputs=len(jobs), on_progress=bar.show_job, on_failure=out.error)


def _report(out: Output, grid: "StyleGrid", sheet: "ImageArray", outputs: _Outputs, seed: int, seconds: float) -> None:
    height, width = sheet.size
    out.record(
        {
            "output": str(outputs.sheet),
            "styles": str(outputs.codes or outputs.replayed),
            "method": grid.model.method,
            "model": grid.model.name,
            "to": grid.model.name_of(grid.to),
            "rows": len(grid.styles),
            "columns": len(grid.columns),
            "seed": seed,
            "width": width,
            "height": height,
            "seconds": round(seconds, 3),
        }
    )
    if not out.as_json:
        for path in outputs.paths:
            out.note(str(path))
