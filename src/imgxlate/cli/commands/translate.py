"""`imgxlate translate`: images of one domain into images of the other."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from imgxlate.cli import complete, masks, options, recording, style_options
from imgxlate.cli.files import SizeAdvice, find_share, model_sources, read_for_model
from imgxlate.cli.film import translate_film
from imgxlate.cli.film_options import FilmOptions, refuse_for_films
from imgxlate.cli.loading import load_model
from imgxlate.cli.output import Output
from imgxlate.cli.progress import BandWatch, Bar
from imgxlate.cli.recording import Input, Recording
from imgxlate.cli.translating import Grid, Translation
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source, expand
from imgxlate.images.jobs import require_no_failures, stream_jobs
from imgxlate.images.names import Naming
from imgxlate.images.outputs import Existing, names_file, plan_jobs, require_depth, require_output_format
from imgxlate.inference import provenance, style_codes
from imgxlate.inference.provenance import TranslationRecord
from imgxlate.inference.style_codes import StyleCodes
from imgxlate.inference.style_source import StyleSource, choose_styles
from imgxlate.methods import registry
from imgxlate.methods.spec import OTHER, Capability
from imgxlate.paths import exists

if TYPE_CHECKING:
    from imgxlate.inference.model import Model
    from imgxlate.methods.spec import Domain


@options.command(*options.RUNNING, json=options.JSON_LINES)
def translate(
    out: Output,
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="A method of `imgxlate methods`, such as munit.",
            autocompletion=complete.methods_with(Capability.TRANSLATE),
        ),
    ],
    inputs: options.Inputs,
    output: options.OutputPath = None,
    model: options.ModelName = None,
    checkpoint: options.Checkpoint = None,
    config: options.OriginalConfig = None,
    generator: options.Generators = None,
    to: options.To = None,
    size: options.Size = None,
    work_size: options.WorkSize = None,
    depth: options.Depth = "8",
    form: options.Format = "png",
    name_template: options.NameTemplate = "{stem}.{method}",
    norm_statistics: Annotated[
        Literal["image", "running"] | None,
        typer.Option(
            help="For models with batch norms: normalize with the statistics of each image, as the original's test "
            "program by default, or with those of the training images, as it does with --eval. Default: image."
        ),
    ] = None,
    grid: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a contact sheet of inputs and outputs.")
    ] = None,
    n_styles: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of outputs for each input, with sampled styles.",
            rich_help_panel=style_options.PANEL,
        ),
    ] = None,
    style: style_options.StyleImages = None,
    style_weights: style_options.StyleWeights = None,
    strength: style_options.Strength = None,
    styles_file: style_options.StylesFile = None,
    save_styles: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the style codes to a file.", rich_help_panel=style_options.PANEL),
    ] = None,
    mask: masks.Mask = None,
    record: recording.Record = False,
    like: recording.Like = None,
    keep_metadata: recording.KeepMetadata = False,
    keep_gps: recording.KeepGps = False,
    *,
    film: FilmOptions,
    settings: options.Settings,
) -> None:
    """Translate images, or a film, of one domain into the other.

    Outputs have the input's size. They are named <stem>.<method>[.<nn>].png, where nn numbers the styles from 00.
    --format and --name-template change that. Under torchrun, each process translates part of the files.

    A video becomes <stem>.<method>.mp4, or a file or a folder of frames, as --output says. Videos with the suffix
    .mov, .webm or .gif keep it. docs/film.md explains films.
    """
    spec = registry.find(method, Capability.TRANSLATE)
    if strength is not None:
        registry.find(method, Capability.MIX_STYLES)
    weights = style_options.parse_weights(style_weights)
    if film.is_for(inputs, output):
        refuse_for_films(
            {"--grid": grid, "--depth 16": depth == "16", "--format": form != "png", "--save-styles": save_styles}
            | {"--name-template": name_template != "{stem}.{method}", "--record": record, "--like": like}
            | {"--keep-metadata": keep_metadata, "--keep-gps": keep_gps}
        )
        styles = choose_styles(spec, n_styles, style or [], styles_file, weights=weights)
        load = partial(
            load_model,
            out,
            spec,
            model,
            checkpoint,
            config,
            settings,
            norm_statistics=norm_statistics,
            generators=generator or (),
        )
        files = [Source(Path(name)) for name in (*styles.images, styles_file) if name]
        plan = film.plan(inputs, output, method, mask, settings, [*files, *model_sources(checkpoint, config)])
        part = 1.0 if strength is None else strength
        return translate_film(
            out, film, plan, load, styles, settings, to, size=size, work_size=work_size, strength=part
        )
    recording.require_metadata(keep_metadata, keep_gps)
    masks.require_no_record(mask, record=record or like is not None)
    made = provenance.read(like, TranslationRecord) if like else None
    source = _source_like(like, made) if like and made else None
    source = source or choose_styles(
        spec, n_styles, style or [], styles_file, weights=weights, saved=save_styles is not None
    )
    if like and made:
        others: dict[str, object] = {"--to": to, "--size": size, "--work-size": work_size, "--depth": depth == "16"}
        others |= {"--n-styles": n_styles, "--style": style, "--styles": styles_file, "--save-styles": save_styles}
        others |= {"--norm-statistics": norm_statistics, "--generator": generator, "--keep-metadata": keep_metadata}
        others |= {"--style-weights": style_weights, "--strength": strength is not None}
        recording.require_alone(like, made, spec, others)
        settings = recording.settings_like(settings, made)
        norm_statistics, generator = made.norm_statistics, list(made.generators)
        to, size, work_size, depth = made.to, made.size, made.work_size, "16" if made.depth == 16 else "8"
        strength = made.strength
        record, keep_metadata, keep_gps = True, made.keep_metadata, made.keep_gps
        model = model if model or checkpoint else provenance.find_weights(made, "--checkpoint")
    part = 1.0 if strength is None else strength
    existing = settings.existing
    options.check_stdout(output, out.as_json)
    if grid:
        require_output_format(grid)
    naming = Naming(name_template, f".{form}")
    bits = require_depth(depth, output, naming.suffix)
    sources = expand(inputs, output, registry.labels(), out.note)
    extras = [path for path in (grid, save_styles) if path]
    rank = find_share(out, len(sources), output, extras)
    style_files = [Source(Path(name)) for name in source.images]
    besides = [*style_files, *model_sources(checkpoint, config), *masks.mask_sources(mask, sources)]
    recording.require_recordable(record, output, [*sources, *besides], existing)
    jobs = plan_jobs(sources, output, method, source.count, existing, extras, rank.share, besides, naming)
    if existing is Existing.SKIP:
        extras = [path for path in extras if not exists(path)]
    if not (jobs or extras):
        return out.note("nothing to do: every output exists already" if sources[rank.share] else "nothing to do")

    seed = settings.seed
    names = generator or ()
    loaded = load_model(
        out, spec, model, checkpoint, config, settings, norm_statistics=norm_statistics, generators=names
    )
    threads = settings.start_threads(loaded.device)
    domain = loaded.target(to)
    kept = Recording(keep_metadata, keep_gps)
    suffix = _suffixes(loaded, domain, output, depth)
    in_color = loaded.format_of(domain).is_color and loaded.format_of(OTHER[domain]).is_color
    if not in_color:
        recording.require_none(kept, record, loaded.name)
    if suffix is not None:  # Outputs are no PNG files.
        jobs = plan_jobs(sources, output, method, source.count, existing, extras, rank.share, besides, naming, suffix)
    if record:
        common = recording.common_facts(settings, loaded.device, threads)
        common |= {"norm_statistics": norm_statistics, "generators": tuple(names)}
        facts = replace(_record(loaded, domain, size, work_size, bits, common, kept), strength=part)
        if like and made:
            _require_same_model(facts, made)
            recording.note_differences(out, like, made)
        kept = replace(kept, record=facts)
    codes = source.codes(loaded, to=to, size=size, work_size=work_size, seed=seed)
    if save_styles and codes:
        keep = style_codes.write if save_styles in extras else style_codes.require_same
        keep(save_styles, codes, method)
        out.note(str(save_styles))
    missing = {job.source: job for job in jobs}
    advice = SizeAdvice(out, loaded, size or work_size, with_work_size=True)
    changed = masks.Masks(out, mask, loaded.limits)
    work = Translation(
        out=out,
        model=loaded,
        codes=codes,
        to=domain,
        size=size,
        work_size=work_size,
        strength=part,
        depth=bits,
        seed=seed,
        missing=missing,
        advice=advice,
        threads=threads,
        kept=kept,
        masks=changed,
    )
    if grid and grid in extras:
        work.grid = Grid.of(out, len(sources), source.count, grid, lambda path: loaded.read(path, domain))
        jobs = plan_jobs(sources, output, method, source.count, Existing.OVERWRITE, naming=naming, suffix=suffix)
    with Bar(out, method, len(jobs), "images").shown() as bar:
        work.watch = BandWatch(out, bar, loaded)
        failures = stream_jobs(
            jobs,
            lambda job: (
                kept.read(out, job.source, loaded.limits, bits)
                if in_color
                else Input(read_for_model(out, loaded, job.source, OTHER[domain], bits))
            ),
            work.compute,
            work.write,
            inputs=len(sources),
            on_progress=bar.show_job,
            on_failure=out.error,
        )
    if work.grid:
        work.grid.write(out, loaded.name_of(work.to))
    return require_no_failures(failures, inputs=len(sources))


def _source_like(like: Path, made: TranslationRecord) -> StyleSource:
    """The style of a record."""
    stored = StyleCodes((made.style,), made.seed) if made.style else None
    return StyleSource(1, stored=stored, file=like)


def _record(
    model: "Model",
    to: "Domain",
    size: int | None,
    work_size: int | None,
    depth: Literal[8, 16],
    common: Mapping[str, Any],
    kept: Recording,
) -> TranslationRecord:
    """The record of all outputs, without the input and the style."""
    weights = cast(Path, model.weights)  # A command loads a model from a file.
    return TranslationRecord(
        method=model.method,
        weights=provenance.public_name(model.name),
        weights_sha256=provenance.sha256_of_weights(weights),
        config_sha256=provenance.sha256_of_weights(model.config) if model.config else None,
        to=to,
        size=size,
        work_size=work_size,
        depth=depth,
        keep_metadata=kept.keep_metadata,
        keep_gps=kept.keep_gps,
        **common,
    )


def _require_same_model(record: TranslationRecord, made: TranslationRecord) -> None:
    """Check that the model is the one of the record of `--like`.

    Raises:
        UsageError: its weights or the original's yaml are other ones.
    """
    hint = "Give the right file with --checkpoint FILE."
    provenance.require_same("the model", record.weights_sha256, made.weights_sha256, hint)
    hint = "Give the original's yaml of that model with --config FILE, or none if there was none."
    provenance.require_same("the file of --config", record.config_sha256, made.config_sha256, hint)


def _suffixes(model: "Model", to: "Domain", output: str | None, depth: str) -> "Callable[[Source], str] | None":
    """The suffixes of outputs, by the input, if images of `to` are not in color; None: they are.

    Raises:
        UsageError: `output` or `depth` do not suit such images.
    """
    pixels = model.format_of(to)
    if pixels.is_color:
        if names_file(output):
            require_output_format(Path(str(output)))
        return None
    if depth != "8":
        raise UsageError(
            f"--depth is for images in color; images of {model.name_of(to)} have {pixels}", hint="Leave it out."
        )
    from imgxlate.images.value_files import output_suffix

    return lambda source: output_suffix(source.name, pixels)
