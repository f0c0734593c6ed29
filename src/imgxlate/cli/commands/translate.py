"""`imgxlate translate`: images of one domain into images of the other."""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from imgxlate.cli import complete, masks, options, recording, style_options
from imgxlate.cli.batch import Suffix, plan_batch
from imgxlate.cli.files import model_sources
from imgxlate.cli.film import translate_film
from imgxlate.cli.film_options import FilmOptions, refuse_for_films
from imgxlate.cli.output import Output
from imgxlate.cli.progress import BandWatch, Bar
from imgxlate.cli.recording import Recording
from imgxlate.cli.size_advice import SizeAdvice
from imgxlate.cli.translating import Grid, Translation
from imgxlate.cli.translation_options import TranslationOptions
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.images.jobs import require_no_failures, stream_jobs
from imgxlate.images.names import Naming
from imgxlate.images.outputs import require_output_format
from imgxlate.inference import provenance, style_codes
from imgxlate.inference.provenance import TranslationRecord
from imgxlate.inference.stated_formats import states_color
from imgxlate.methods import registry
from imgxlate.methods.spec import OTHER, Capability

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
    .mov, .webm or .gif keep it. All frames have the same style. Films need `pip install "imgxlate[video]"`.
    """
    spec = registry.find(method, Capability.TRANSLATE)
    if strength is not None:
        registry.find(method, Capability.MIX_STYLES)
    chosen = TranslationOptions(
        spec=spec,
        inputs=inputs,
        output=output,
        naming=Naming(name_template, f".{form}"),
        mask=mask,
        record=record,
        like=like,
        kept=Recording(keep_metadata, keep_gps),
        model=model,
        checkpoint=checkpoint,
        config=config,
        generators=generator or (),
        norm_statistics=norm_statistics,
        to=to,
        size=size,
        work_size=work_size,
        depth=depth,
        grid=grid,
        n_styles=n_styles,
        style_images=style or [],
        style_weights=style_weights,
        strength=strength,
        styles_file=styles_file,
        save_styles=save_styles,
    )
    if film.is_for(inputs, output):
        return _translate_film(out, film, chosen, settings)
    return _translate_images(out, chosen, settings)


def _translate_film(out: Output, film: FilmOptions, chosen: TranslationOptions, settings: options.Settings) -> None:
    """Translate a film."""
    default, kept = Naming(), chosen.kept
    refuse_for_films(
        {"--grid": chosen.grid, "--depth 16": chosen.depth == "16", "--format": chosen.naming.suffix != default.suffix}
        | {"--save-styles": chosen.save_styles, "--name-template": chosen.naming.template != default.template}
        | {"--record": chosen.record, "--like": chosen.like}
        | {"--keep-metadata": kept.keep_metadata, "--keep-gps": kept.keep_gps}
    )
    styles = chosen.style_source()
    read = [Source(Path(name)) for name in (*styles.images, chosen.styles_file) if name]
    besides = [*read, *model_sources(chosen.checkpoint, chosen.config)]
    return translate_film(
        out,
        film,
        film.plan(chosen.inputs, chosen.output, chosen.spec.name, chosen.mask, settings, besides),
        partial(chosen.load, out, settings),
        styles,
        settings,
        chosen.to,
        size=chosen.size,
        work_size=chosen.work_size,
        strength=chosen.part,
    )


def _translate_images(out: Output, chosen: TranslationOptions, settings: options.Settings) -> None:
    """Translate images."""
    made = provenance.read(chosen.like, TranslationRecord) if chosen.like else None
    if chosen.like and made:
        chosen, settings = chosen.as_made(chosen.like, made, settings)
    source = chosen.style_source(made)
    method, to, size, work_size = chosen.spec.name, chosen.to, chosen.size, chosen.work_size
    if chosen.grid:
        require_output_format(chosen.grid)
    load = cache(partial(chosen.load, out, settings))

    def find_suffix() -> Suffix | None:
        in_color = states_color(method, chosen.model, chosen.checkpoint)
        return None if in_color else _suffix(load(), chosen)

    batch = plan_batch(
        out,
        settings,
        method,
        chosen.inputs,
        chosen.output,
        naming=chosen.naming,
        depth=chosen.depth,
        kept=chosen.kept,
        record=chosen.record,
        mask=chosen.mask,
        reads=[*(Source(Path(name)) for name in source.images), *model_sources(chosen.checkpoint, chosen.config)],
        count=source.count,
        extras=[path for path in (chosen.grid, chosen.save_styles) if path],
        find_suffix=find_suffix,
    )
    if batch is None:
        return None

    loaded = load()
    threads = settings.start_threads(loaded.device)
    domain = loaded.target(to)
    kept = chosen.kept
    if chosen.record:
        common = recording.common_facts(settings, loaded.device, threads)
        common |= {"norm_statistics": chosen.norm_statistics, "generators": tuple(chosen.generators)}
        facts = _record(loaded, domain, chosen, batch.depth, common)
        kept = recording.with_record(out, kept, facts, chosen.like, made, _require_same_model)
    codes = source.codes(loaded, to=to, size=size, work_size=work_size, seed=settings.seed)
    if chosen.save_styles and codes:
        keep = style_codes.write if chosen.save_styles in batch.extras else style_codes.require_same
        keep(chosen.save_styles, codes, method)
        out.note(str(chosen.save_styles))
    work = Translation(
        out=out,
        model=loaded,
        codes=codes,
        to=domain,
        size=size,
        work_size=work_size,
        strength=chosen.part,
        depth=batch.depth,
        seed=settings.seed,
        missing={job.source: job for job in batch.jobs},
        advice=SizeAdvice(out, loaded, size or work_size, with_work_size=True),
        threads=threads,
        kept=kept,
        masks=masks.Masks(out, chosen.mask, loaded.limits),
    )
    jobs, inputs = batch.jobs, len(batch.sources)
    if chosen.grid and chosen.grid in batch.extras:
        work.grid = Grid.of(out, inputs, source.count, chosen.grid, lambda path: loaded.read(path, domain))
        jobs = batch.all_jobs
    with Bar(out, method, len(jobs), "images").shown() as bar:
        work.watch = BandWatch(out, bar, loaded)
        failures = stream_jobs(
            jobs,
            work.read,
            work.compute,
            work.write,
            inputs=inputs,
            on_progress=bar.show_job,
            on_failure=out.error,
        )
    if work.grid:
        work.grid.write(out, loaded.name_of(work.to))
    return require_no_failures(failures, inputs=inputs)


def _suffix(model: "Model", chosen: TranslationOptions) -> Suffix | None:
    """The suffix of an output, by its input, if outputs are not in color; None: they are.

    Raises:
        UsageError: an option is for images in color, and those of a domain are not.
    """
    to = model.target(chosen.to)
    pixels = model.format_of(to)
    if not (pixels.is_color and model.format_of(OTHER[to]).is_color):
        recording.refuse_for_values(chosen.kept, chosen.record, model.name)
    if pixels.is_color:
        return None
    if chosen.depth != "8":
        raise UsageError(
            f"--depth is for images in color; images of {model.name_of(to)} have {pixels}", hint="Leave it out."
        )
    from imgxlate.images.value_files import output_suffix

    return lambda source: output_suffix(source.name, pixels)


def _record(
    model: "Model",
    to: "Domain",
    chosen: TranslationOptions,
    depth: Literal[8, 16],
    common: Mapping[str, Any],
) -> TranslationRecord:
    """The record of all outputs, without the input and the style."""
    weights = cast(Path, model.weights)  # A command loads a model from a file.
    return TranslationRecord(
        method=model.method,
        weights=provenance.public_name(model.name),
        weights_sha256=provenance.sha256_of_weights(weights),
        config_sha256=provenance.sha256_of_weights(model.config) if model.config else None,
        to=to,
        strength=chosen.part,
        size=chosen.size,
        work_size=chosen.work_size,
        depth=depth,
        keep_metadata=chosen.kept.keep_metadata,
        keep_gps=chosen.kept.keep_gps,
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
