"""`imgxlate neural-style`: paint a photograph in the style of pictures (Gatys et al.)."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgxlate.cli import loading, options, runs
from imgxlate.cli.errors import session
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.config import did_you_mean, overridden
from imgxlate.engine import batch
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodConfig, MethodSpec

if TYPE_CHECKING:
    from imgxlate.engine.device import Precision
    from imgxlate.images.picture import Picture
    from imgxlate.methods.protocol import Iterate, Stylizer

LABEL = "neural-style"  # in the names of outputs
_OBJECTIVE = "Objective"
_OPTIMISATION = "Optimisation"


def neural_style(
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph, a folder of them, or - for standard input.")
    ],
    styles: Annotated[list[str], typer.Argument(metavar="STYLE", help="Style pictures, or folders of them.")],
    output: options.OutputPath = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="default, author (the first author's code), johnson (neural-style-pt), or paper."
        ),
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, metavar="N", help="Longer side in pixels. Default: 512.")] = None,
    style_weights: Annotated[
        str | None, typer.Option(metavar="W,W,...", help="A weight for each style picture. Default: equal.")
    ] = None,
    style_scale: Annotated[
        float | None, typer.Option(min=0.01, metavar="X", help="Size of the style pictures against the content's.")
    ] = None,
    preserve_color: Annotated[
        Literal["off", "luminance", "match"] | None,
        typer.Option(
            help="Keep the photograph's colours: paint its luminance only, or match the style's colours first."
        ),
    ] = None,
    init: Annotated[
        str | None, typer.Option(metavar="INIT", help="Start from content, style, noise, or an image FILE.")
    ] = None,
    content_weight: Annotated[
        float | None, typer.Option(min=0, metavar="X", rich_help_panel=_OBJECTIVE, help="More keeps the photograph.")
    ] = None,
    style_weight: Annotated[
        float | None, typer.Option(min=0, metavar="X", rich_help_panel=_OBJECTIVE, help="More takes the style.")
    ] = None,
    tv_weight: Annotated[
        float | None, typer.Option(min=0, metavar="X", rich_help_panel=_OBJECTIVE, help="More smooths the picture.")
    ] = None,
    content_layers: Annotated[
        str | None, typer.Option(metavar="L,L,...", rich_help_panel=_OBJECTIVE, help="Such as relu4_2.")
    ] = None,
    style_layers: Annotated[
        str | None, typer.Option(metavar="L,L,...", rich_help_panel=_OBJECTIVE, help="Such as relu1_1,relu2_1.")
    ] = None,
    pooling: Annotated[
        Literal["max", "average"] | None, typer.Option(rich_help_panel=_OBJECTIVE, help="How VGG-19 pools.")
    ] = None,
    features: Annotated[
        str,
        typer.Option(metavar="NAME", rich_help_panel=_OBJECTIVE, help="vgg19 (bundled), vgg19-torchvision, or a FILE."),
    ] = "vgg19",
    iterations: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_OPTIMISATION, help="At the full size."),
    ] = None,
    scales: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_OPTIMISATION, help="Sizes to work at, coarse to fine."),
    ] = None,
    optimizer: Annotated[
        Literal["lbfgs", "adam"] | None,
        typer.Option(rich_help_panel=_OPTIMISATION, help="How the picture is improved."),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, metavar="X", rich_help_panel=_OPTIMISATION, help="Step length.")
    ] = None,
    coarse_iterations: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_OPTIMISATION, help="At each smaller size."),
    ] = None,
    save_every: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", rich_help_panel=_OPTIMISATION, help="Write the picture every N iterations as well."
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any other part of the method, such as history_size=10. Repeatable."
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
    """Paint CONTENT in the style of one or more pictures, by optimisation over VGG-19's features.

    The weights ship with the package: no network is needed. Outputs are named <stem>.neural-style.png. What is not
    given is as the preset has it; docs/methods/neural-style.md lists all of that.
    """
    with session(as_json=as_json, quiet=quiet, verbose=verbose, debug=debug) as out:
        spec = registry.find("gatys", Capability.STYLIZE)
        init_file = None if init in (None, "content", "style", "noise") else Path(init)
        given = {
            "size": size,
            "style_weights": _split(style_weights),
            "style_scale": style_scale,
            "preserve_color": preserve_color,
            "init": None if init_file else init,
            "content_weight": content_weight,
            "style_weight": style_weight,
            "tv_weight": tv_weight,
            "content_layers": _split(content_layers),
            "style_layers": _split(style_layers),
            "pooling": pooling,
            "iterations": iterations,
            "scales": scales,
            "optimizer": optimizer,
            "coarse_iterations": coarse_iterations,
            "learning_rate": learning_rate,
        }
        config = _configure(spec, preset, given, assignments or [])
        existing = options.existing(overwrite, skip_existing)
        options.check_stdout(output, as_json)
        sources = batch.expand([content], output)
        jobs = batch.plan(sources, output, LABEL, 1, existing)
        if not jobs:
            return out.note("nothing to do: every output is already there")

        style_pictures = [runs.read_picture(source) for source in batch.expand(styles)]
        init_picture = runs.read_picture(batch.Source(init_file)) if init_file else None
        stylizer = _load(out, spec, config, features, device, precision, offline)
        work = _Painting(out, stylizer, style_pictures, init_picture, preset or "default", seed, save_every, existing)
        failures = runs.run_jobs(out, jobs, work.run, of=len(sources))
        runs.report(failures, of=len(sources))
        return None


def _configure(
    spec: MethodSpec, preset: str | None, given: Mapping[str, Any], assignments: Sequence[str]
) -> MethodConfig:
    """The preset with what the options change.

    Raises:
        UsageError: there is no such preset or key, or a value cannot be.
    """
    name = preset or next(iter(spec.presets))
    if name not in spec.presets:
        known = ", ".join(spec.presets)
        raise UsageError(f"there is no preset {name!r}", hint=did_you_mean(name, spec.presets) or f"Presets: {known}.")
    changes = {key: value for key, value in given.items() if value is not None}
    return overridden(spec.presets[name], changes, assignments)


def _split(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _load(
    out: Output,
    spec: MethodSpec,
    config: MethodConfig,
    features: str,
    device: str,
    precision: "Precision",
    offline: bool,
) -> "Stylizer":
    from imgxlate.engine.device import find_device, find_dtype
    from imgxlate.engine.stylize import load_stylizer

    where = find_device(device)
    dtype = find_dtype(precision, where)
    out.detail(f"{features} on {where} in {dtype}: {config}")
    return load_stylizer(spec, config, loading.find_features(out, features, offline=offline), where, dtype)


@dataclass(frozen=True, slots=True)
class _Painting:
    """The work on each content image."""

    out: Output
    stylizer: "Stylizer"
    styles: "Sequence[Picture]"
    init: "Picture | None"
    preset: str
    seed: int
    save_every: int | None
    existing: batch.Existing

    def run(self, job: batch.Job) -> None:
        """Paint one content image."""
        from imgxlate.engine.stylize import painted

        (target,) = job.targets
        steps = self._steps_folder(target)
        content = runs.read_picture(job.source)
        started = time.perf_counter()
        iterate, evaluations = self._optimise(job, content, steps)
        picture = painted(content, iterate)
        runs.write_picture(self.out, picture, target.path)
        self._report(job, target, picture, iterate, evaluations, time.perf_counter() - started)

    def _optimise(self, job: batch.Job, content: "Picture", steps: Path | None) -> "tuple[Iterate, int]":
        from imgxlate.engine.stylize import painted, stylize

        done = 0
        with Bar(self.out, job.source.name, None, "iterations").shown() as bar:
            for done, iterate in enumerate(stylize(self.stylizer, content, self.styles, self.init, self.seed), 1):
                bar.update(iterate.iteration, iterate.iterations, _describe(iterate))
                if steps and self.save_every and done % self.save_every == 0:
                    runs.write_picture(self.out, painted(content, iterate), steps / f"{done:05d}.png")
        return iterate, done

    def _steps_folder(self, target: batch.Target) -> Path | None:
        """Where `--save-every` writes: a folder beside the output, named after it.

        Raises:
            UsageError: the output goes to standard output, beside which there is no folder.
            OutputError: the folder already holds something.
        """
        if not self.save_every:
            return None
        if target.path is None:
            raise UsageError("--save-every needs an output file, not -o -")
        folder = target.path.with_suffix(".steps")
        if folder.is_dir() and any(folder.iterdir()):
            batch.refuse_existing([folder], self.existing)
        return folder

    def _report(
        self, job: batch.Job, target: batch.Target, picture: "Picture", iterate: "Iterate", done: int, seconds: float
    ) -> None:
        height, width = picture.size
        self.out.record(
            {
                "input": job.source.name,
                "output": target.name,
                "method": LABEL,
                "preset": self.preset,
                "seed": self.seed,
                "width": width,
                "height": height,
                "iterations": done,
                "losses": dict(iterate.losses),
                "seconds": round(seconds, 3),
            }
        )
        if target.path is not None and not self.out.as_json:
            self.out.note(str(target.path))


def _describe(iterate: "Iterate") -> str:
    height, width = iterate.size
    scale = f"scale {iterate.scale + 1} of {iterate.scales}, {width}x{height} px"
    return f"{scale}, loss {iterate.losses['total']:.3g}"
