"""`imgxlate translate`: images of one domain into images of the other."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli import complete, options
from imgxlate.cli.errors import session
from imgxlate.cli.files import SizeAdvice, find_share, read_image, write_image
from imgxlate.cli.loading import load_model
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.images.batch import require_no_failures, run_jobs
from imgxlate.images.inputs import Source, expand
from imgxlate.images.outputs import Existing, Job, Target, plan_jobs, require_output_format
from imgxlate.inference import style_codes
from imgxlate.inference.style_source import choose_styles
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability

if TYPE_CHECKING:
    from PIL.Image import Image

    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.model import Model
    from imgxlate.inference.style_codes import StyleCodes
    from imgxlate.methods.spec import Domain


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
        source = choose_styles(spec, n_styles, style or [], styles_file, saved=save_styles is not None)
        existing = options.existing(overwrite, skip_existing)
        options.check_stdout(output, as_json)
        if grid:
            require_output_format(grid)
        sources = expand(inputs, output, registry.labels())
        extras = [path for path in (grid, save_styles) if path]
        rank = find_share(out, len(sources), output, extras)
        guides = [Source(Path(name)) for name in source.images]
        jobs = plan_jobs(sources, output, method, source.count, existing, extras, rank.share, guides)
        if existing is Existing.SKIP:
            extras = [path for path in extras if not path.exists()]
        if not (jobs or extras):
            return out.note("nothing to do: every output exists already" if sources[rank.share] else "nothing to do")

        loaded = load_model(out, spec, model, checkpoint, config, device, precision, offline)
        codes = source.codes(loaded, to=to, size=size, seed=seed)
        if save_styles and codes:
            keep = style_codes.write if save_styles in extras else style_codes.require_same
            keep(save_styles, codes, method)
        missing = {job.source: job for job in jobs}
        advice = SizeAdvice(out, loaded, size)
        work = _Translation(out, loaded, codes, loaded.target(to), size, seed, missing, advice)
        if grid in extras:
            work.rows = []
            jobs = plan_jobs(sources, output, method, source.count, Existing.OVERWRITE)
        with Bar(out, method, len(jobs), "images").shown() as bar:
            failures = run_jobs(jobs, work.run, inputs=len(sources), on_progress=bar.show_job, on_failure=out.error)
        if grid and work.rows is not None:
            work.write_grid(grid)
        return require_no_failures(failures, inputs=len(sources))


@dataclass(slots=True)
class _Translation:
    """The work on each input, and the rows of `--grid`."""

    out: Output
    model: "Model"
    codes: "StyleCodes | None"
    to: "Domain"
    size: int | None
    seed: int
    missing: Mapping[Source, Job]  # the outputs to write
    advice: SizeAdvice
    rows: "list[list[ImageArray | None]] | None" = None  # thumbnails of inputs and outputs; None: no grid is wanted

    def run(self, job: Job) -> None:
        """Translate an input into its missing outputs. A grid takes the others from their files."""
        from imgxlate.images.decode import decode
        from imgxlate.images.grids import thumbnail

        image = read_image(job.source)
        self.advice.consider(job.source, image)
        row = {target.index: thumbnail(output) for target, output in self._translate(job.source, image)}
        if self.rows is not None:
            for target in job.targets:
                if target.index not in row and target.path:
                    row[target.index] = thumbnail(decode(target.path))
            self.rows.append([thumbnail(image), *(row[target.index] for target in job.targets)])

    def write_grid(self, path: Path) -> None:
        """Write the sheet: a row for each input, with the input first."""
        from imgxlate.images.grids import contact_sheet

        if self.rows:
            domain = self.model.name_of(self.to)
            headers = ["input", *(f"{domain} {index:02d}" for index in range(len(self.rows[0]) - 1))]
            write_image(self.out, contact_sheet(self.rows, column_headers=headers, leading_columns=1), path)
            self.out.note(str(path))

    def _translate(self, source: Source, image: "ImageArray") -> "Iterator[tuple[Target, ImageArray]]":
        """Write the missing outputs of an input, and yield each."""
        from imgxlate.images.pil import to_image_array

        if source not in self.missing:
            return
        targets = self.missing[source].targets
        styles = None if self.codes is None else [self.codes.codes[target.index] for target in targets]
        outputs = self.model.stream(image, to=self.to, styles=styles, size=self.size)
        started = time.perf_counter()
        for target, output in zip(targets, outputs, strict=True):
            write_image(self.out, output, target.path)
            self._report(source, target, output, time.perf_counter() - started)
            yield target, to_image_array(output)
            started = time.perf_counter()

    def _report(self, source: Source, target: Target, image: "Image", seconds: float) -> None:
        self.out.record(
            {
                "input": source.name,
                "output": target.name,
                "method": self.model.method,
                "model": self.model.name,
                "to": self.model.name_of(self.to),
                "style": None if self.codes is None else target.index,
                "seed": self.seed,
                "width": image.width,
                "height": image.height,
                "seconds": round(seconds, 3),
            }
        )
        if target.path is not None and not self.out.as_json:
            self.out.note(str(target.path))
