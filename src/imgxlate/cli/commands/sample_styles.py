"""`imgxlate sample-styles`: a sheet of contents by styles, and the style codes that made it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from imgxlate.cli import complete, options, runs, translation
from imgxlate.cli.errors import session
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.errors import UsageError
from imgxlate.images import files
from imgxlate.inference import style_codes
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodSpec
from imgxlate.torchrun import find_place

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.models import Model
    from imgxlate.inference.style_grids import StyleGrid

_STYLES = 5  # sampled, where the number is not given


def sample_styles(
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="munit, or a plug-in's.",
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
    to: options.To = None,
    size: options.Size = None,
    cell: Annotated[
        int, typer.Option(min=16, max=4096, metavar="N", help="Longer side of a picture on the sheet, in pixels.")
    ] = 256,
    n_styles: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help=f"Rows, with sampled styles. Default: {_STYLES}.", rich_help_panel=options.STYLE
        ),
    ] = None,
    style: options.StyleImages = None,
    styles_file: options.StylesFile = None,
    interpolate: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="N rows from one style to another: of two --style images, of the first two codes of --styles, or of "
            "two that are sampled.",
            rich_help_panel=options.STYLE,
        ),
    ] = None,
    save_styles: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write the codes. Default: beside the sheet, as .json.",
            rich_help_panel=options.STYLE,
        ),
    ] = None,
    device: options.Device = "auto",
    precision: options.PrecisionOption = "auto",
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Draw one sheet of styles: a row for each style, a column for each input.

    The first row shows the inputs, the first column the style images, where there are any. The style codes are written
    too: --styles draws the same pictures from them again.
    """
    started = time.perf_counter()
    with session(as_json=as_json, quiet=quiet, verbose=verbose, debug=debug) as out:
        spec = registry.find(method, Capability.SAMPLE_STYLES)
        choice = _choose_styles(spec, n_styles, style or [], styles_file, interpolate)
        existing = options.existing(overwrite, skip_existing)
        options.check_stdout(output, as_json)
        outputs = _Files.settle(output, save_styles, method, choice, interpolate)
        translation.require_shareable(find_place(), output, outputs.paths)
        sources = _sources(inputs, output, method, outputs.sheet)
        files.require_places(outputs.paths, [*sources, *_read_besides(choice, interpolate)], existing)
        if existing is files.Existing.SKIP and outputs.sheet and outputs.sheet.exists():
            return out.note("nothing to do: the sheet is already there")

        loaded = translation.load(out, spec, model, checkpoint, config, device, precision, offline)
        grid, codes = _settle(loaded, choice, to, size, seed, cell, interpolate)
        if outputs.codes:
            translation.keeps_styles(outputs.codes, codes, method, existing)  # Other codes are refused before the work.
        failures = _fill(grid, out, method, sources, translation.SizeAdvice(out, loaded.name, loaded.size, size))
        if grid.columns:
            sheet = _draw(grid, outputs.sheet)
            if outputs.codes:
                translation.save_styles(outputs.codes, codes, method, existing)
            runs.write_picture(out, sheet, outputs.sheet)
            _report(out, grid, sheet, outputs, method, seed, time.perf_counter() - started)
        runs.report(failures, of=len(sources))
        return None


def _choose_styles(
    spec: MethodSpec, count: int | None, images: list[str], file: Path | None, interpolate: int | None
) -> translation.StyleChoice:
    """Where the rows' codes come from; with `interpolate`, those of both ends.

    Raises:
        UsageError: as `translation.choose_styles`; or there are not two styles to interpolate between.
    """
    if interpolate and count:
        raise UsageError("--interpolate and --n-styles exclude each other", hint="--interpolate N draws N rows.")
    if not (count or images or file):
        count = 2 if interpolate else _STYLES
    choice = translation.choose_styles(spec, count, images, file, None)
    if interpolate and (choice.count < 2 or len(images) > 2):
        given = f"{len(images)} --style" if images else f"{file} with {choice.count}"
        raise UsageError(
            f"--interpolate goes from one style to another, not through {given}",
            hint="Give --style twice, or a styles file with two codes or more.",
        )
    return choice


@dataclass(frozen=True, slots=True)
class _Files:
    """What is written."""

    sheet: Path | None  # None: to standard output
    codes: Path | None  # None: nowhere
    replayed: Path | None  # the styles file that has the codes already

    @classmethod
    def settle(
        cls,
        output: str | None,
        save_styles: Path | None,
        method: str,
        choice: translation.StyleChoice,
        interpolate: int | None,
    ) -> Self:
        """Where sheet and codes go; codes that are replayed are not written over themselves.

        Raises:
            UsageError: no picture can be written in the format that `output` asks for.
        """
        sheet = files.single_path(output, f"{method}.styles.png")
        codes = save_styles or (sheet.with_suffix(".json") if sheet else None)
        replayed = Path(choice.origin) if choice.origin and not interpolate else None
        if codes and replayed and codes.resolve() == replayed.resolve():
            codes = None
        return cls(sheet, codes, replayed)

    @property
    def paths(self) -> list[Path]:
        """Those that are files."""
        return [path for path in (self.sheet, self.codes) if path]


def _sources(inputs: list[str], output: str | None, method: str, sheet: Path | None) -> list[files.Source]:
    """The contents; an earlier sheet in a folder of them is none, unless it is all that is there."""
    found = files.expand(inputs, output, method)
    made = sheet.resolve() if sheet else None
    return [s for s in found if s.path is None or s.name in inputs or s.path.resolve() != made] or found


def _read_besides(choice: translation.StyleChoice, interpolate: int | None) -> list[files.Source]:
    """What else is read and not to be written over."""
    ends = [choice.origin] if choice.origin and interpolate else []
    return [files.Source(Path(name)) for name in (*choice.images, *ends)]


def _settle(
    model: "Model",
    choice: translation.StyleChoice,
    to: str | None,
    size: int | None,
    seed: int,
    cell: int,
    interpolate: int | None,
) -> "tuple[StyleGrid, style_codes.StyleCodes]":
    """A grid without contents, and the codes of its rows.

    Raises:
        UsageError: as `translation.settle`; or the model has no style codes.
        ImageError: a style image cannot be read.
    """
    from imgxlate.images.grids import thumbnail
    from imgxlate.inference.style_grids import Style, StyleGrid, interpolated_rows
    from imgxlate.inference.style_grids import interpolate as codes_between

    images: list[ImageArray] = []
    request, codes = translation.settle(
        model, choice, to, size, seed, lambda picture: images.append(thumbnail(picture, cell))
    )
    if codes is None:
        raise UsageError(f"{model.name} has no style codes")
    if interpolate:
        codes = codes_between(codes, interpolate)
        rows = interpolated_rows(images, interpolate)
    elif images:
        rows = [Style(Path(name).name, image) for name, image in zip(choice.images, images, strict=True)]
    else:
        rows = [Style(f"style {index:02d}") for index in range(len(codes.codes))]
    return StyleGrid(model, translation.with_codes(request, codes), rows, cell), codes


def _fill(
    grid: "StyleGrid", out: Output, method: str, sources: Sequence[files.Source], advice: translation.SizeAdvice
) -> list[str]:
    """Add a column for each content that can be read; returns what went wrong with the others."""

    def add(job: files.Job) -> None:
        picture = runs.read_picture(job.source)
        advice.consider(job.source.name, picture)
        grid.add(job.source.stem, picture)

    jobs = [files.Job(source, ()) for source in sources]
    with Bar(out, method, len(jobs), "images").shown() as bar:
        return runs.run_jobs(out, jobs, add, of=len(jobs), bar=bar)


def _draw(grid: "StyleGrid", path: Path | None) -> "ImageArray":
    """The sheet, if it can be written to `path`: codes are not kept of one that cannot.

    Raises:
        OutputError: the format cannot hold a sheet of that size.
    """
    from imgxlate.images.encode import require_room

    sheet = grid.draw()
    if path:
        require_room(sheet, path.suffix)
    return sheet


def _report(
    out: Output, grid: "StyleGrid", sheet: "ImageArray", outputs: _Files, method: str, seed: int, seconds: float
) -> None:
    height, width = sheet.size
    out.record(
        {
            "output": str(outputs.sheet),
            "styles": str(outputs.codes or outputs.replayed),
            "method": method,
            "model": grid.model.name,
            "to": grid.model.name_of(grid.request.to),
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
