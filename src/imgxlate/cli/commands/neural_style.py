"""`imgxlate neural-style`: paint a photograph in the style of other images (Gatys et al.)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from imgxlate.cli import fast_options, fast_painting, masks, options, recording, regions
from imgxlate.cli.figures import figure_name, inputs_of, parse_ratios, require_fitting, roles_note
from imgxlate.cli.files import find_share
from imgxlate.cli.film import stylize_film
from imgxlate.cli.film_options import FilmOptions, refuse_for_films
from imgxlate.cli.loading import load_style_transfer
from imgxlate.cli.output import Output
from imgxlate.cli.painting import FigurePainting, Painting
from imgxlate.cli.recording import Recording, read_input
from imgxlate.config import flattened
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source, expand
from imgxlate.images.jobs import require_no_failures, run_jobs
from imgxlate.images.names import Naming
from imgxlate.images.outputs import plan_jobs, require_depth
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
    recording.require_metadata(keep_metadata, keep_gps)
    masks.require_no_record(mask, record=record or like is not None)
    if fast:
        own = {"--preset": preset, "--set": assignments, "--init": init, "--save-every": save_every}
        own |= {"--features": features != _FEATURES, "--reconstruct": reconstruct, "--sweep": sweep or sweep_ratios}
        fast_options.require_none(given, own)
        chosen = fast_options.FastOptions(
            content=content,
            styles=styles or [],
            named_styles=named_styles or [],
            output=output,
            depth=depth,
            naming=Naming(name_template, f".{form}"),
            given=given,
            strength=strength,
            model=model,
            checkpoint=checkpoint,
            mask=mask,
            regions=regions.parse_regions(region),
            record=record,
            like=like,
            kept=Recording(keep_metadata, keep_gps),
        )
        return fast_painting.paint(out, film, chosen, settings)
    name = figure_name(reconstruct, sweep)
    if init == "fast":
        fast_options.require_painting(figure=name is not None, record=record or like is not None)
    else:
        fast_options.require_fast(strength=strength, model=model, checkpoint=checkpoint)
    init_file = None if init in (None, "content", "style", "noise", "fast") else Path(init)
    changes = {**given, "init": init} if init in ("content", "style", "noise") else given
    if name and (record or like or keep_metadata or mask or region):
        raise UsageError(
            "figures of the paper have no mask, no regions, no record and no metadata",
            hint="Leave out the options for them.",
        )
    region_files = regions.parse_regions(region)
    regions.require_no_record(region_files, record=record or like is not None)
    made = provenance.read(like, PaintingRecord) if like else None
    if like and made:
        others = {f"--{key.replace('_', '-')}": value for key, value in changes.items()}
        others |= {"--preset": preset, "--set": assignments, "--depth": depth == "16", "--keep-metadata": keep_metadata}
        recording.require_alone(like, made, _SPEC, others)
        settings = recording.settings_like(settings, made)
        changes, preset, depth = made.config, made.preset, "16" if made.depth == 16 else "8"
        record, keep_metadata, keep_gps = True, made.keep_metadata, made.keep_gps
        features = provenance.find_weights(made, "--features") if features == _FEATURES else features
    figure = _SPEC.figures[name] if name else None
    inputs, guides = inputs_of(figure, content, styles or [], named_styles or [], regions=bool(region))
    require_fitting(figure, given=given, save_every=save_every, sweep_ratios=sweep_ratios, depth=depth)
    naming = Naming(name_template, f".{form}")
    preset = preset or (figure.preset if figure else next(iter(_SPEC.presets)))
    config = registry.configure(_SPEC, preset, changes, assignments or [], figure=name)
    plan = figure.plan(config, parse_ratios(figure, sweep_ratios)) if figure else None
    if film.is_for(inputs, output):
        refuse_for_films(
            {"--like": like, "--depth 16": depth == "16", "--format": form != "png", "--save-every": save_every}
            | {
                "--name-template": name_template != "{stem}.{method}",
                "--record": record,
                "--init": init_file or init == "fast",
            }
            | {"--keep-metadata": keep_metadata, "--keep-gps": keep_gps, "--reconstruct": reconstruct, "--sweep": sweep}
            | {"--region": region}
        )
        load = partial(load_style_transfer, out, config, features, settings)
        style_sources = expand(guides, notify=out.note)
        film_plan = film.plan(inputs, output, _SPEC.label, mask, settings, style_sources)
        return stylize_film(out, film, film_plan, load, style_sources, settings, preset)
    bits = require_depth(depth, output, naming.suffix)
    options.check_stdout(output, out.as_json)
    sources = expand(inputs, output, registry.labels(), out.note)
    rank = find_share(out, len(sources), output, [])
    guide_sources = expand(guides, notify=out.note)
    init_sources = [Source(init_file)] if init_file else []
    other_inputs = [
        *guide_sources,
        *init_sources,
        *masks.mask_sources(mask, sources),
        *regions.region_sources(region_files, sources),
    ]
    label = name or _SPEC.label
    recording.require_recordable(record, output, [*sources, *other_inputs], settings.existing)
    jobs = plan_jobs(sources, output, label, 1, settings.existing, (), rank.share, other_inputs, naming)
    if not jobs:
        return out.note("nothing to do: every output exists already" if sources[rank.share] else "nothing to do")

    if guide_sources:
        out.note(roles_note(sources, guide_sources, are_named=bool(named_styles)))
    for files in region_files:
        out.note(f"painting the region {files}")
    limits = settings.limits
    style_inputs = [read_input(out, source, limits, bits, hashed=record) for source in guide_sources]
    style_images = [style.image for style in style_inputs]
    given_regions = regions.read_styles(out, region_files, limits, bits)
    init_input = next((read_input(out, source, limits, bits, hashed=record) for source in init_sources), None)
    init_image = init_input.image if init_input else None
    start = None
    if init == "fast":
        one_pass = fast_options.configure(flattened(config), strength)
        start = fast_painting.load_fast(out, one_pass, model, checkpoint, settings)
    transfer = load_style_transfer(out, config, features, settings)
    threads = settings.start_threads(transfer.device)
    kept = Recording(keep_metadata, keep_gps)
    if record:
        facts = PaintingRecord(
            method=_SPEC.name,
            weights=provenance.public_name(features),
            weights_sha256=provenance.sha256_of_weights(transfer.features),
            depth=bits,
            keep_metadata=keep_metadata,
            keep_gps=keep_gps,
            preset=preset,
            config=flattened(config),
            styles_sha256=tuple(style.sha256 for style in style_inputs),
            init_sha256=init_input.sha256 if init_input else None,
            **recording.common_facts(settings, transfer.device, threads),
        )
        if like and made:
            _require_same_images(facts, made)
            recording.note_differences(out, like, made)
        kept = replace(kept, record=facts)
    work: Painting | FigurePainting
    if name and figure and plan:
        work = FigurePainting(out, transfer, name, figure, plan, style_images, init_image, preset, settings.seed)
    else:
        existing, seed = settings.existing, settings.seed
        changed = masks.Masks(out, mask, transfer.limits)
        work = Painting(
            out=out,
            transfer=transfer,
            styles=style_images,
            init=init_image,
            start=start,
            preset=preset,
            seed=seed,
            save_every=save_every,
            existing=existing,
            threads=threads,
            depth=bits,
            kept=kept,
            masks=changed,
            regions=given_regions,
        )
    failures = run_jobs(jobs, work.run, inputs=len(sources), on_failure=out.error)
    return require_no_failures(failures, inputs=len(sources))


def _require_same_images(record: PaintingRecord, made: PaintingRecord) -> None:
    """Check that the feature network, the style images and the image to start from are those of `--like`.

    Raises:
        UsageError: one of them is another one.
    """
    hint = "Give the right file with --features FILE."
    provenance.require_same("the feature network", record.weights_sha256, made.weights_sha256, hint)
    provenance.require_same_styles(record.styles_sha256, made.styles_sha256)
    provenance.require_same("the image of --init", record.init_sha256, made.init_sha256, "Give it with --init FILE.")
