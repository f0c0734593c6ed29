"""`imgxlate neural-style`: paint a photograph in the style of other images (Gatys et al.)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from imgxlate.cli import fast_options, fast_painting, masks, options, recording, regions
from imgxlate.cli.batch import plan_batch
from imgxlate.cli.config_options import flag
from imgxlate.cli.figures import figure_name, parse_ratios, require_fitting
from imgxlate.cli.film import stylize_film
from imgxlate.cli.film_options import FilmOptions, refuse_for_films
from imgxlate.cli.loading import load_style_transfer
from imgxlate.cli.output import Output
from imgxlate.cli.painting import FigurePainting, Painting
from imgxlate.cli.painting_options import PaintingOptions
from imgxlate.cli.recording import Recording, read_input
from imgxlate.cli.roles import inputs_of, roles_note
from imgxlate.config import flattened
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source, expand
from imgxlate.images.jobs import require_no_failures, run_jobs
from imgxlate.images.names import Naming
from imgxlate.inference import provenance
from imgxlate.inference.provenance import PaintingRecord
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability

_SPEC = registry.built_in(Capability.STYLIZE)
_FEATURES = "vgg19"
_OBJECTIVE = "Objective"
_OPTIMIZATION = "Optimization"
_FIGURES = "Figures of the paper, as contact sheets"


@options.command(*options.RUNNING, json=options.JSON_LINES, config=_SPEC.config)
def neural_style(
    out: Output,
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The photograph, a folder of photographs, or - for standard input.")
    ],
    styles: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STYLE", help="Style images, or folders of them. With --style: more photographs to paint."
        ),
    ] = None,
    named_styles: Annotated[
        list[str] | None,
        typer.Option(
            "--style",
            metavar="IMAGE",
            help="A style image, or a folder of them. Repeatable. All arguments are CONTENT.",
        ),
    ] = None,
    output: options.OutputPath = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="default, author (the first author's code), johnson (neural-style-pt), paper, or print (4096 pixels, "
            "with few iterations at large sizes).",
        ),
    ] = None,
    depth: options.Depth = "8",
    form: options.Format = "png",
    name_template: options.NameTemplate = "{stem}.{method}",
    *,
    film: FilmOptions,
    given: Mapping[str, Any],
    init: Annotated[
        str | None,
        typer.Option(
            metavar="INIT", help="Start from content, style, noise, fast (the image of --fast), or an image FILE."
        ),
    ] = None,
    features: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_OBJECTIVE,
            help="The feature network: vgg19 (bundled), vgg19-torchvision, or a FILE.",
        ),
    ] = _FEATURES,
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
    fast: fast_options.Fast = False,
    strength: fast_options.Strength = None,
    model: fast_options.ModelName = None,
    checkpoint: fast_options.Checkpoint = None,
    mask: masks.Mask = None,
    region: regions.Regions = None,
    record: recording.Record = False,
    like: recording.Like = None,
    keep_metadata: recording.KeepMetadata = False,
    keep_gps: recording.KeepGps = False,
    settings: options.Settings,
) -> None:
    """Paint CONTENT in the style of one or more images, by optimization over VGG-19's features.

    The weights ship with the package, so no network is needed. Outputs are named <stem>.neural-style.png. --fast
    needs --checkpoint or --model, and its outputs are named <stem>.adain.png. The defaults are those of the preset
    `default`; docs/methods/neural-style.md lists those of the others.

    A video becomes <stem>.neural-style.mp4, or a file or a folder of frames, as --output says. Videos with the suffix
    .mov, .webm or .gif keep it.

    --reconstruct and --sweep paint many images and lay them out in a contact sheet: <stem>.reconstruct-content.png,
    <stem>.reconstruct-style.png or <stem>.sweep.png. They start from the preset `paper`, at 256 pixels.
    """
    chosen = PaintingOptions(
        content=content,
        styles=styles or [],
        named_styles=named_styles or [],
        output=output,
        depth=depth,
        naming=Naming(name_template, f".{form}"),
        given={**given, "init": init} if init in ("content", "style", "noise") else given,
        mask=mask,
        regions=regions.parse_regions(region),
        record=record,
        like=like,
        kept=Recording(keep_metadata, keep_gps),
        strength=strength,
        model=model,
        checkpoint=checkpoint,
        preset=preset,
        assignments=assignments or [],
        init=init,
        features=features,
        save_every=save_every,
        figure=figure_name(reconstruct, sweep),
        sweep_ratios=sweep_ratios,
    )
    if not fast:
        return _paint(out, film, chosen, settings)
    own = {"--preset": preset, "--set": assignments, "--init": init, "--save-every": save_every}
    own |= {"--features": features != _FEATURES, "--reconstruct": reconstruct, "--sweep": sweep or sweep_ratios}
    fast_options.refuse_optimization(given, own)
    return fast_painting.paint(out, film, chosen, settings)


def _paint(out: Output, film: FilmOptions, chosen: PaintingOptions, settings: options.Settings) -> None:
    """Paint each content image by optimization, or a figure of it, or a film."""
    _require_fitting(chosen)
    made = provenance.read(chosen.like, PaintingRecord) if chosen.like else None
    if chosen.like and made:
        chosen, settings = _as_made(chosen, chosen.like, made, settings)
    name = chosen.figure
    figure = _SPEC.figures[name] if name else None
    inputs, guides = inputs_of(figure, chosen.content, chosen.styles, chosen.named_styles, regions=bool(chosen.regions))
    require_fitting(
        figure,
        given=chosen.given,
        save_every=chosen.save_every,
        sweep_ratios=chosen.sweep_ratios,
        depth=chosen.depth,
    )
    preset = chosen.preset or (figure.preset if figure else next(iter(_SPEC.presets)))
    config = registry.configure(_SPEC, preset, chosen.given, chosen.assignments, figure=name)
    plan = figure.plan(config, parse_ratios(figure, chosen.sweep_ratios)) if figure else None
    if film.is_for(inputs, chosen.output):
        _refuse_for_films(chosen)
        load = partial(load_style_transfer, out, config, chosen.features, settings)
        style_sources = expand(guides, notify=out.note)
        film_plan = film.plan(inputs, chosen.output, _SPEC.label, chosen.mask, settings, style_sources)
        return stylize_film(out, film, film_plan, load, style_sources, settings, preset)
    init_source = Source(chosen.init_file) if chosen.init_file else None
    batch = plan_batch(
        out,
        settings,
        name or _SPEC.label,
        inputs,
        chosen.output,
        naming=chosen.naming,
        depth=chosen.depth,
        kept=chosen.kept,
        record=chosen.record,
        mask=chosen.mask,
        regions_given=chosen.regions,
        styles=guides,
        reads=[init_source] if init_source else [],
        saves_steps=chosen.save_every is not None,
    )
    if batch is None:
        return None

    if batch.styles:
        out.note(roles_note(batch.sources, batch.styles, are_named=bool(chosen.named_styles)))
    for files in chosen.regions:
        out.note(f"painting the region {files}")
    read = partial(read_input, out, limits=settings.limits, depth=batch.depth, hashed=chosen.record)
    styles = [read(source) for source in batch.styles]
    given_regions = regions.read_styles(out, chosen.regions, settings.limits, batch.depth)
    init = read(init_source) if init_source else None
    start = None
    if chosen.init == "fast":
        one_pass = fast_options.configure(flattened(config), chosen.strength)
        start = fast_painting.load_fast(out, one_pass, chosen.model, chosen.checkpoint, settings)
    transfer = load_style_transfer(out, config, chosen.features, settings)
    threads = settings.start_threads(transfer.device)
    kept = chosen.kept
    if chosen.record:
        facts = PaintingRecord(
            method=_SPEC.name,
            weights=provenance.public_name(chosen.features),
            weights_sha256=provenance.sha256_of_weights(transfer.features),
            depth=batch.depth,
            keep_metadata=kept.keep_metadata,
            keep_gps=kept.keep_gps,
            preset=preset,
            config=flattened(config),
            styles_sha256=tuple(style.sha256 for style in styles),
            init_sha256=init.sha256 if init else None,
            **recording.common_facts(settings, transfer.device, threads),
        )
        kept = recording.with_record(out, kept, facts, chosen.like, made, _require_same_images)
    images, init_image = [style.image for style in styles], init.image if init else None
    work: Painting | FigurePainting
    if name and figure and plan:
        work = FigurePainting(out, transfer, name, figure, plan, images, init_image, preset, settings.seed)
    else:
        work = Painting(
            out=out,
            transfer=transfer,
            styles=images,
            init=init_image,
            start=start,
            preset=preset,
            seed=settings.seed,
            save_every=chosen.save_every,
            existing=settings.existing,
            threads=threads,
            depth=batch.depth,
            kept=kept,
            masks=masks.Masks(out, chosen.mask, transfer.limits),
            regions=given_regions,
        )
    failures = run_jobs(batch.jobs, work.run, inputs=len(batch.sources), on_failure=out.error)
    return require_no_failures(failures, inputs=len(batch.sources))


def _require_fitting(chosen: PaintingOptions) -> None:
    """Check that options that exclude each other are not given together.

    Raises:
        UsageError: they are.
    """
    recorded = chosen.record or chosen.like is not None
    if chosen.init == "fast":
        fast_options.require_painting(figure=chosen.figure is not None, record=recorded)
    else:
        fast_options.require_fast(strength=chosen.strength, model=chosen.model, checkpoint=chosen.checkpoint)
    if chosen.figure and (recorded or chosen.kept.keep_metadata or chosen.mask or chosen.regions):
        raise UsageError(
            "figures of the paper have no mask, no regions, no record and no metadata",
            hint="Leave out the options for them.",
        )


def _as_made(
    chosen: PaintingOptions, like: Path, made: PaintingRecord, settings: options.Settings
) -> tuple[PaintingOptions, options.Settings]:
    """The options and settings of the record `made`, which the file `like` has.

    Raises:
        UsageError: an option that the record sets is given, or another method made the file.
    """
    others = {flag(key): value for key, value in chosen.given.items()}
    others |= {"--preset": chosen.preset, "--set": chosen.assignments, "--depth": chosen.depth == "16"}
    others |= {"--keep-metadata": chosen.kept.keep_metadata}
    recording.require_alone(like, made, _SPEC, others)
    features = provenance.find_weights(made, "--features") if chosen.features == _FEATURES else chosen.features
    as_made = replace(
        chosen,
        given=made.config,
        preset=made.preset,
        depth="16" if made.depth == 16 else "8",
        record=True,
        kept=Recording(made.keep_metadata, made.keep_gps),
        features=features,
    )
    return as_made, recording.settings_like(settings, made)


def _refuse_for_films(chosen: PaintingOptions) -> None:
    """Refuse options that have no effect on a film.

    Raises:
        UsageError: one is given.
    """
    default, kept = Naming(), chosen.kept
    refuse_for_films(
        {"--like": chosen.like, "--depth 16": chosen.depth == "16", "--format": chosen.naming.suffix != default.suffix}
        | {"--save-every": chosen.save_every, "--name-template": chosen.naming.template != default.template}
        | {"--record": chosen.record, "--init": chosen.init_file or chosen.init == "fast"}
        | {"--keep-metadata": kept.keep_metadata, "--keep-gps": kept.keep_gps}
        | {"--reconstruct": chosen.figure not in (None, "sweep"), "--sweep": chosen.figure == "sweep"}
        | {"--region": chosen.regions}
    )


def _require_same_images(record: PaintingRecord, made: PaintingRecord) -> None:
    """Check that the feature network, the style images and the image to start from are those of `--like`.

    Raises:
        UsageError: one of them is another one.
    """
    hint = "Give the right file with --features FILE."
    provenance.require_same("the feature network", record.weights_sha256, made.weights_sha256, hint)
    provenance.require_same_styles(record.styles_sha256, made.styles_sha256)
    provenance.require_same("the image of --init", record.init_sha256, made.init_sha256, "Give it with --init FILE.")
