"""`imgxlate translate`: images of one domain into the other's."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli import complete, options, runs, translation
from imgxlate.cli.errors import session
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.images import files
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.torchrun import find_place

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.models import Model
    from imgxlate.inference.translation import Request


def translate(
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="munit, unit, cyclegan, or a plug-in's.",
            autocompletion=complete.methods_with(Capability.TRANSLATE),
        ),
    ],
    inputs: options.Inputs,
    output: options.OutputPath = None,
    model: options.ModelName = None,
    checkpoint: options.Checkpoint = None,
    config: options.OriginalConfig = None,
    to: options.To = None,
    size: options.Size = None,
    grid: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one sheet of inputs and outputs.")
    ] = None,
    n_styles: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Outputs for each input, with sampled styles.", rich_help_panel=options.STYLE
        ),
    ] = None,
    style: options.StyleImages = None,
    styles_file: options.StylesFile = None,
    save_styles: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the codes that were used.", rich_help_panel=options.STYLE)
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
    """Translate images of one domain into images of the other.

    Outputs have the input's size. They are named <stem>.<method>[.<nn>].png, where nn counts the styles from 00.
    Under torchrun, the processes share the files out.
    """
    with session(as_json=as_json, quiet=quiet, verbose=verbose, debug=debug) as out:
        spec = registry.find(method, Capability.TRANSLATE)
        choice = translation.choose_styles(spec, n_styles, style or [], styles_file, save_styles)
        existing = options.existing(overwrite, skip_existing)
        options.check_stdout(output, as_json)
        if grid:
            files.require_output_format(grid)
        sources = files.expand(inputs, output, method)
        extras = [path for path in (grid, save_styles) if path]
        place = translation.require_shareable(find_place(), output, extras)
        guides = [files.Source(Path(name)) for name in choice.images]
        jobs = files.plan(sources, output, method, choice.count, existing, extras, place.share, guides)
        if not jobs:
            return out.note("nothing to do: every output is already there")

        loaded = translation.load(out, spec, model, checkpoint, config, device, precision, offline)
        request, codes = translation.settle(loaded, choice, to, size, seed)
        if save_styles and codes:
            translation.save_styles(save_styles, codes, method, existing)
        sheet = grid is not None and not (existing is files.Existing.SKIP and grid.exists())
        advice = translation.SizeAdvice(out, loaded.name, loaded.size, size)
        work = _Translation(out, method, loaded, request, seed, choice.count if sheet else 0, advice)
        with Bar(out, method, len(jobs), "images").shown() as bar:
            failures = runs.run_jobs(out, jobs, work.run, of=len(sources), bar=bar)
        if grid and sheet:
            work.write_sheet(grid, loaded.name_of(request.to))
        runs.report(failures, of=len(sources))
        return None


@dataclass(slots=True)
class _Translation:
    """The work on each input, and the rows of the sheet that `--grid` asks for."""

    out: Output
    method: str
    model: "Model"
    request: "Request"
    seed: int
    columns: int  # outputs in a row of the sheet; 0: there is no sheet
    advice: translation.SizeAdvice
    rows: "list[list[ImageArray | None]]" = field(default_factory=list)

    def run(self, job: files.Job) -> None:
        """Translate one input into its outputs."""
        from imgxlate.images.grids import thumbnail
        from imgxlate.inference.translation import translate as outputs_of

        picture = runs.read_picture(job.source)
        self.advice.consider(job.source.name, picture)
        row: list[ImageArray | None] = [thumbnail(picture), *[None] * self.columns] if self.columns else []
        started = time.perf_counter()
        for target, output in zip(job.targets, outputs_of(self.model, picture, self._request_for(job)), strict=True):
            runs.write_picture(self.out, output, target.path)
            self._report(job, target, output, time.perf_counter() - started)
            started = time.perf_counter()
            if self.columns:
                row[1 + target.index] = thumbnail(output)
        self.rows.append(row)

    def write_sheet(self, path: Path, domain: str) -> None:
        """Write the sheet of what was translated: a row an input, the input first."""
        from imgxlate.images.grids import contact_sheet

        if self.rows:
            headers = ["input", *(f"{domain} {index:02d}" for index in range(self.columns))]
            runs.write_picture(self.out, contact_sheet(self.rows, column_headers=headers, leading_columns=1), path)
            self.out.note(str(path))

    def _request_for(self, job: files.Job) -> "Request":
        if self.request.styles is None:
            return self.request
        return replace(self.request, styles=self.request.styles[[target.index for target in job.targets]])

    def _report(self, job: files.Job, target: files.Target, picture: "ImageArray", seconds: float) -> None:
        height, width = picture.size
        self.out.record(
            {
                "input": job.source.name,
                "output": target.name,
                "method": self.method,
                "model": self.model.name,
                "to": self.model.name_of(self.request.to),
                "style": None if self.request.styles is None else target.index,
                "seed": self.seed,
                "width": width,
                "height": height,
                "seconds": round(seconds, 3),
            }
        )
        if target.path is not None and not self.out.as_json:
            self.out.note(str(target.path))
