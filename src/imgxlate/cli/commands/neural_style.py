"""`imgxlate neural-style`: paint a photograph in the style of pictures (Gatys et al.)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgxlate.cli import loading, options, runs
from imgxlate.cli.errors import session
from imgxlate.cli.figures import FigurePainting, figure_name, inputs_of, parse_ratios, require_fitting
from imgxlate.cli.output import Output
from imgxlate.cli.painting import LABEL, Painting
from imgxlate.config import did_you_mean, overridden
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source, expand
from imgxlate.images.outputs import plan_jobs
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, FigureSpec, MethodConfig, MethodSpec

if TYPE_CHECKING:
    from imgxlate.inference.device import Precision
    from imgxlate.methods.protocol import Stylizer

_OBJECTIVE = "Objective"
_OPTIMISATION = "Optimisation"
_FIGURES = "Figures of the paper, as contact sheets"


def neural_style(
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph, a folder of them, or - for standard input.")
    ],
    styles: Annotated[
        list[str] | None, typer.Argument(metavar="STYLE", help="Style pictures, or folders of them.")
    ] = None,
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
    reconstruct: Annotated[
        Literal["content", "style"] | None,
        typer.Option(
            rich_help_panel=_FIGURES,
            help="Figure 1: from noise, what each of --content-layers alone keeps of CONTENT, or what growing sets of "
            "--style-layers know of STYLE (of CONTENT, where no STYLE is given).",
        ),
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep",
            rich_help_panel=_FIGURES,
            help="Figure 3: growing sets of --style-layers by ratios of content weight to style weight.",
        ),
    ] = False,
    sweep_ratios: Annotated[
        str | None,
        typer.Option(metavar="R,R,...", rich_help_panel=_FIGURES, help="Default: 1e-5,1e-4,1e-3,1e-2."),
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

    --reconstruct and --sweep paint many pictures instead and lay them out in a sheet, <stem>.reconstruct-content.png,
    <stem>.reconstruct-style.png or <stem>.sweep.png. They start from the preset paper, at 256 pixels.
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
        name = figure_name(reconstruct, sweep)
        figure = spec.figures[name] if name else None
        inputs, guides = inputs_of(figure, content, styles or [])
        require_fitting(figure, given=given, save_every=save_every, sweep_ratios=sweep_ratios)
        preset = preset or (figure.preset if figure else next(iter(spec.presets)))
        config = _configure(spec, preset, figure, given, assignments or [])
        plan = figure.plan(config, parse_ratios(figure, sweep_ratios)) if figure else None
        existing = options.existing(overwrite, skip_existing)
        options.check_stdout(output, as_json)
        label = name or LABEL
        sources = expand(inputs, output, registry.labels())
        guide_sources = expand(guides)
        init_sources = [Source(init_file)] if init_file else []
        jobs = plan_jobs(sources, output, label, 1, existing, besides=[*guide_sources, *init_sources])
        if not jobs:
            return out.note("nothing to do: every output is already there")

        style_pictures = [runs.read_picture(source) for source in guide_sources]
        init_picture = next(map(runs.read_picture, init_sources), None)
        load = _loader(out, spec, features, device, precision, offline)
        stylizer = load(config)  # For a figure too: a missing layer is an error before any image is painted.
        work: Painting | FigurePainting
        if name and figure and plan:
            work = FigurePainting(out, name, figure, plan, load, style_pictures, init_picture, preset, seed)
        else:
            work = Painting(out, stylizer, style_pictures, init_picture, preset, seed, save_every, existing)
        failures = runs.run_jobs(out, jobs, work.run, of=len(sources))
        runs.report(failures, of=len(sources))
        return None


def _configure(
    spec: MethodSpec, preset: str, figure: FigureSpec | None, given: Mapping[str, Any], assignments: Sequence[str]
) -> MethodConfig:
    """The preset with what the figure and the options change.

    Raises:
        UsageError: there is no such preset or key, or a value cannot be.
    """
    if preset not in spec.presets:
        hint = did_you_mean(preset, spec.presets) or f"Presets: {', '.join(spec.presets)}."
        raise UsageError(f"there is no preset {preset!r}", hint=hint)
    start = spec.presets[preset]
    changes = {key: value for key, value in given.items() if value is not None}
    return overridden(figure.start(start) if figure else start, changes, assignments)


def _split(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _loader(
    out: Output, spec: MethodSpec, features: str, device: str, precision: "Precision", offline: bool
) -> "Callable[[MethodConfig], Stylizer]":
    """Builds the stylizer of a configuration over the feature network, placed.

    Raises:
        DeviceError: the device is absent.
        WeightsError: there is no such feature network.
    """
    from imgxlate.inference.device import find_device, find_dtype
    from imgxlate.inference.stylization import load_stylizer

    where = find_device(device)
    dtype = find_dtype(precision, where)
    file = loading.find_features(out, features, offline=offline)

    def load(config: MethodConfig) -> "Stylizer":
        out.detail(f"{features} on {where} in {dtype}: {config}")
        return load_stylizer(spec, config, file, where, dtype)

    return load
