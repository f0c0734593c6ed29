"""`imgxlate translate`: images of one domain into the other's."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgxlate.cli import complete, loading, options, runs
from imgxlate.cli.errors import session
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.engine import batch, styles
from imgxlate.engine.processes import Place, find_place
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodSpec

if TYPE_CHECKING:
    from imgxlate.engine.device import Precision
    from imgxlate.engine.inference import Request
    from imgxlate.engine.models import Model
    from imgxlate.images.picture import Picture

_STYLE = "Styles (MUNIT)"


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
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A model by name: see `imgxlate weights list`.", autocompletion=complete.weights
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A checkpoint: ours, or an original's (.pt, .pth).")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The original's yaml, for what weights do not show.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="DOMAIN", help="Where to: a domain's name, A or B. Default: B, or the only one."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Shorter side in pixels. Default: the input's own size.")
    ] = None,
    grid: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one sheet of inputs and outputs.")
    ] = None,
    n_styles: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Outputs for each input, with sampled styles.", rich_help_panel=_STYLE),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IMAGE", help="Take the style of an image of the target domain. Repeatable.", rich_help_panel=_STYLE
        ),
    ] = None,
    styles_file: Annotated[
        Path | None,
        typer.Option("--styles", metavar="FILE", help="Replay the codes of a styles file.", rich_help_panel=_STYLE),
    ] = None,
    save_styles: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the codes that were used.", rich_help_panel=_STYLE)
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
        choice = _choose_styles(spec, n_styles, style or [], styles_file, save_styles)
        existing = options.existing(overwrite, skip_existing)
        options.check_stdout(output, as_json)
        if grid:
            batch.require_output_format(grid)
        sources = batch.expand(inputs, output, method)
        extras = [path for path in (grid, save_styles) if path]
        place = _require_shareable(find_place(), output, extras)
        jobs = batch.plan(sources, output, method, choice.count, existing, extras, place.share)
        if not jobs:
            return out.note("nothing to do: every output is already there")

        loaded = _load(out, spec, model, checkpoint, config, device, precision, offline)
        request, codes = _settle(loaded, choice, to, size, seed)
        if save_styles and codes:
            _save_styles(save_styles, codes, method, existing)
        sheet = grid is not None and not (existing is batch.Existing.SKIP and grid.exists())
        translation = _Translation(out, method, loaded, request, seed, choice.count if sheet else 0)
        with Bar(out, method, len(jobs), "images").shown() as bar:
            failures = runs.run_jobs(out, jobs, translation.run, of=len(sources), bar=bar)
        if grid and sheet:
            translation.write_sheet(grid, loaded.name_of(request.to))
        runs.report(failures, of=len(sources))
        return None


def _require_shareable(place: Place, output: str | None, extras: list[Path]) -> Place:
    """Refuse what all processes together would have to write.

    Raises:
        UsageError: there are several processes, and one output of them all.
    """
    if place.size > 1 and (extras or output == batch.STDIO):
        what = extras[0] if extras else "standard output"
        raise UsageError(f"{place.size} processes share the files out, and none has all of {what}")
    return place


@dataclass(frozen=True, slots=True)
class _StyleChoice:
    """Where the style codes come from: images, a file, or sampling `count` of them."""

    count: int  # outputs for each input
    images: tuple[str, ...] = ()
    codes: styles.StyleCodes | None = None
    origin: str = ""


def _choose_styles(
    spec: MethodSpec, count: int | None, images: list[str], file: Path | None, kept: Path | None
) -> _StyleChoice:
    """Settle which of the three ways is meant, before anything is loaded.

    Raises:
        UsageError: several ways at once, one that the method lacks, or a styles file that cannot be used.
    """
    if sum((count is not None, bool(images), file is not None)) > 1:
        raise UsageError("--n-styles, --style and --styles exclude each other")
    if images:
        registry.find(spec.name, Capability.GUIDE_STYLE)
        return _StyleChoice(len(images), images=tuple(images))
    if file or kept or (count or 1) > 1:
        registry.find(spec.name, Capability.SAMPLE_STYLES)
    if file:
        codes = styles.read(file, spec.name)
        return _StyleChoice(len(codes.codes), codes=codes, origin=str(file))
    return _StyleChoice(count or 1)


def _save_styles(path: Path, codes: styles.StyleCodes, method: str, existing: batch.Existing) -> None:
    """Write the codes, unless the file is to be kept.

    Raises:
        UsageError: the file that is to be kept holds other codes than the pictures are made with.
    """
    if existing is not batch.Existing.SKIP or not path.exists():
        styles.write(path, codes, method)
    elif styles.read(path, method).codes != codes.codes:
        raise UsageError(f"{path} holds other codes", hint=f"Replay them with --styles {path}, or give another name.")


def _load(
    out: Output,
    spec: MethodSpec,
    name: str | None,
    path: Path | None,
    config: Path | None,
    device: str,
    precision: "Precision",
    offline: bool,
) -> "Model":
    from imgxlate.engine.device import find_device, find_dtype
    from imgxlate.engine.models import find_model, load_model
    from imgxlate.weights.store import Store

    where = find_device(device)
    dtype = find_dtype(precision, where)
    store = Store()
    file = find_model(spec, name, path, config, store, lambda card: loading.fetch(out, store, card, offline=offline))
    loaded = load_model(spec, file, where, dtype)
    out.detail(f"{loaded.name} on {where} in {dtype}: {loaded.translator.config}")
    return loaded


def _settle(
    model: "Model", choice: _StyleChoice, to: str | None, size: int | None, seed: int
) -> "tuple[Request, styles.StyleCodes | None]":
    """What to make of each input, and the codes that it uses."""
    import torch

    from imgxlate.engine.inference import Request, encode_styles
    from imgxlate.methods.protocol import StyleSampler

    request = Request(model.target(to), size=size)
    if not isinstance(model.translator, StyleSampler):
        return request, None
    if choice.images:
        pictures = [runs.read_picture(batch.Source(Path(image))) for image in choice.images]
        codes = styles.StyleCodes(tuple(map(tuple, encode_styles(model, pictures, request).tolist())))
    else:
        codes = choice.codes or styles.sample(choice.count, model.translator.style_dim, seed)
        codes.require_length(model.translator.style_dim, choice.origin)
    return replace(request, styles=torch.tensor(codes.codes)), codes


@dataclass(slots=True)
class _Translation:
    """The work on each input, and the rows of the sheet that `--grid` asks for."""

    out: Output
    method: str
    model: "Model"
    request: "Request"
    seed: int
    columns: int  # outputs in a row of the sheet; 0: there is no sheet
    rows: "list[list[Picture | None]]" = field(default_factory=list)

    def run(self, job: batch.Job) -> None:
        """Translate one input into its outputs."""
        from imgxlate.engine.inference import translate as outputs_of
        from imgxlate.images.grids import thumbnail

        picture = runs.read_picture(job.source)
        row: list[Picture | None] = [thumbnail(picture), *[None] * self.columns] if self.columns else []
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
            runs.write_picture(self.out, contact_sheet(self.rows, column_headers=headers), path)
            self.out.note(str(path))

    def _request_for(self, job: batch.Job) -> "Request":
        if self.request.styles is None:
            return self.request
        return replace(self.request, styles=self.request.styles[[target.index for target in job.targets]])

    def _report(self, job: batch.Job, target: batch.Target, picture: "Picture", seconds: float) -> None:
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
