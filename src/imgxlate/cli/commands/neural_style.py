"""`imgxlate neural-style`: paint a photograph in the style of other images (Gatys et al.)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgxlate.cli import loading, options, runs
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
    from imgxlate.methods.protocol import Stylizer

_OBJECTIVE = "Objective"
_OPTIMIZATION = "Optimization"
_FIGURES = "Figures of the paper, as contact sheets"


@options.command(*options.RUNNING, json=options.JSON_LINES, config=registry.built_in("gatys").config)
def neural_style(
    out: Output,
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph, a folder of photographs, or - for standard input.")
    ],
    styles: Annotated[
        list[str] | None, typer.Argument(metavar="STYLE", help="Style images, or folders of them.")
    ] = None,
    output: options.OutputPath = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="default, author (the first author's code), johnson (neural-style-pt), or paper."
        ),
    ] = None,
    *,
    given: Mapping[str, Any],
    init: Annotated[
        str | None, typer.Option(metavar="INIT", help="Start from content, style, noise, or an image FILE.")
    ] = None,
    features: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_OBJECTIVE,
            help="The feature network: vgg19 (bundled), vgg19-torchvision, or a FILE.",
        ),
    ] = "vgg19",
    save_every: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", rich_help_panel=_OPTIMIZATION, help="Also write the image every N iterations."
        ),
    ] = None,
    reconstruct: Annotated[
        Literal["content", "style"] | None,
        typer.Option(
            rich_help_panel=_FIGURES,
            help="Figure 1: start from noise, and show what each of --content-layers alone keeps of CONTENT, or what "
            "growing sets of --style-layers capture of STYLE (of CONTENT, if no STYLE is given).",
        ),
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep",
            rich_help_panel=_FIGURES,
            help="Figure 3: growing sets of --style-layers against ratios of content weight to style weight.",
        ),
    ] = False,
    sweep_ratios: Annotated[
        str | None,
        typer.Option(metavar="R,R,...", rich_help_panel=_FIGURES, help="The ratios. Default: 1e-5,1e-4,1e-3,1e-2."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any other option of the method, such as history_size=10. Repeatable."
        ),
    ] = None,
    settings: options.Settings,
) -> None:
    """Paint CONTENT in the style of one or more images, by optimization over VGG-19's features.

    The weights ship with the package, so no network is needed. Outputs are named <stem>.neural-style.png. The defaults
    are those of the preset `default`; docs/methods/neural-style.md lists those of the others.

    --reconstruct and --sweep paint many images and lay them out in a contact sheet: <stem>.reconstruct-content.png,
    <stem>.reconstruct-style.png or <stem>.sweep.png. They start from the preset `paper`, at 256 pixels.
    """
    spec = registry.find("gatys", Capability.STYLIZE)
    init_file = None if init in (None, "content", "style", "noise") else Path(init)
    changes = {**given, "init": init} if init and not init_file else given
    name = figure_name(reconstruct, sweep)
    figure = spec.figures[name] if name else None
    inputs, guides = inputs_of(figure, content, styles or [])
    require_fitting(figure, given=given, save_every=save_every, sweep_ratios=sweep_ratios)
    preset = preset or (figure.preset if figure else next(iter(spec.presets)))
    config = _configure(spec, preset, figure, changes, assignments or [])
    plan = figure.plan(config, parse_ratios(figure, sweep_ratios)) if figure else None
    existing = settings.existing
    options.check_stdout(output, out.as_json)
    label = name or LABEL
    sources = expand(inputs, output, registry.labels())
    guide_sources = expand(guides)
    init_sources = [Source(init_file)] if init_file else []
    jobs = plan_jobs(sources, output, label, 1, existing, besides=[*guide_sources, *init_sources])
    if not jobs:
        return out.note("nothing to do: every output is already there")

    style_pictures = [runs.read_picture(source) for source in guide_sources]
    init_picture = next(map(runs.read_picture, init_sources), None)
    load = _loader(out, spec, features, settings)
    stylizer = load(config)  # For a figure too: a missing layer is an error before any image is painted.
    work: Painting | FigurePainting
    if name and figure and plan:
        work = FigurePainting(out, name, figure, plan, load, style_pictures, init_picture, preset, settings.seed)
    else:
        work = Painting(out, stylizer, style_pictures, init_picture, preset, settings.seed, save_every, existing)
    failures = runs.run_jobs(out, jobs, work.run, of=len(sources))
    runs.report(failures, of=len(sources))
    return None


def _configure(
    spec: MethodSpec, preset: str, figure: FigureSpec | None, changes: Mapping[str, Any], assignments: Sequence[str]
) -> MethodConfig:
    """The preset with what the figure and the options change.

    Raises:
        UsageError: there is no such preset or key, or a value cannot be.
    """
    if preset not in spec.presets:
        hint = did_you_mean(preset, spec.presets) or f"Presets: {', '.join(spec.presets)}."
        raise UsageError(f"there is no preset {preset!r}", hint=hint)
    start = spec.presets[preset]
    return overridden(figure.start(start) if figure else start, changes, assignments)


def _loader(
    out: Output, spec: MethodSpec, features: str, settings: options.Settings
) -> "Callable[[MethodConfig], Stylizer]":
    """Builds the stylizer of a configuration over the feature network, placed.

    Raises:
        DeviceError: the device is absent.
        WeightsError: there is no such feature network.
    """
    from imgxlate.inference.device import find_device, find_dtype
    from imgxlate.inference.stylization import load_stylizer

    where = find_device(settings.device)
    dtype = find_dtype(settings.precision, where)
    file = loading.find_features(out, features, offline=settings.offline)

    def load(config: MethodConfig) -> "Stylizer":
        out.detail(f"{features} on {where} in {dtype}: {config}")
        return load_stylizer(spec, config, file, where, dtype)

    return load
