"""`imgxlate neural-style --fast`: paints in one pass."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from imgxlate.cli import masks, options, recording, regions
from imgxlate.cli.batch import plan_batch
from imgxlate.cli.config_options import flag
from imgxlate.cli.fast_options import SPEC, configure
from imgxlate.cli.files import model_sources, require_size
from imgxlate.cli.film import stylize_film_fast
from imgxlate.cli.film_options import FilmOptions, refuse_for_films
from imgxlate.cli.loading import load_model
from imgxlate.cli.output import Output
from imgxlate.cli.painting_options import PaintingOptions
from imgxlate.cli.progress import Bar
from imgxlate.cli.recording import Input, Recording, read_input
from imgxlate.cli.regions import GivenRegion
from imgxlate.cli.roles import inputs_of, roles_note
from imgxlate.config import flattened, style_shares
from imgxlate.images.inputs import expand
from imgxlate.images.jobs import require_no_failures, stream_jobs
from imgxlate.images.names import Naming
from imgxlate.images.outputs import Job, Target
from imgxlate.images.sizes import longer_side
from imgxlate.inference import provenance
from imgxlate.inference.fast_config import FastStyleConfig
from imgxlate.inference.provenance import FastPaintingRecord
from imgxlate.threads import AdaptiveThreads

if TYPE_CHECKING:
    from imgxlate.images.image_array import Depth, ImageArray
    from imgxlate.inference.fast_style import FastStyleTransfer


def paint(out: Output, film: FilmOptions, chosen: PaintingOptions, settings: options.Settings) -> None:
    """Paint each content image, or each frame of a film, in one pass."""
    made = provenance.read(chosen.like, FastPaintingRecord) if chosen.like else None
    if chosen.like and made:
        chosen, settings = _as_made(chosen, chosen.like, made, settings)
    config = configure(made.config if made else chosen.given, chosen.strength)
    inputs, guides = inputs_of(None, chosen.content, chosen.styles, chosen.named_styles, regions=bool(chosen.regions))
    if film.is_for(inputs, chosen.output):
        return _paint_film(out, film, chosen, config, settings)
    batch = plan_batch(
        out,
        settings,
        SPEC.label,
        inputs,
        chosen.output,
        naming=chosen.naming,
        depth=chosen.depth,
        kept=chosen.kept,
        record=chosen.record,
        mask=chosen.mask,
        regions_given=chosen.regions,
        styles=guides,
        reads=model_sources(chosen.checkpoint, None),
    )
    if batch is None:
        return None
    style_shares(config.style_weights, len(batch.styles))
    if batch.styles:
        out.note(roles_note(batch.sources, batch.styles, are_named=bool(chosen.named_styles)))
    for files in chosen.regions:
        out.note(f"painting the region {files}")
    styles = [read_input(out, source, settings.limits, batch.depth, hashed=chosen.record) for source in batch.styles]
    given = regions.read_styles(out, chosen.regions, settings.limits, batch.depth)
    transfer = load_fast(out, config, chosen.model, chosen.checkpoint, settings)
    threads = settings.start_threads(transfer.model.device)
    kept = chosen.kept
    if chosen.record:
        common = recording.common_facts(settings, transfer.model.device, threads)
        facts = _record(transfer, styles, batch.depth, kept, common)
        kept = recording.with_record(out, kept, facts, chosen.like, made, _require_same)
    with Bar(out, SPEC.name, len(batch.jobs), "images").shown() as bar:
        images = [style.image for style in styles]
        changed = masks.Masks(out, chosen.mask, transfer.model.limits)
        work = FastPainting(out, transfer, images, settings.seed, threads, batch.depth, kept, changed, given)
        failures = stream_jobs(
            batch.jobs,
            lambda job: kept.read(out, job.source, settings.limits, batch.depth),
            work.compute,
            work.write,
            inputs=len(batch.sources),
            on_progress=bar.show_job,
            on_failure=out.error,
        )
    return require_no_failures(failures, inputs=len(batch.sources))


def _paint_film(
    out: Output, film: FilmOptions, chosen: PaintingOptions, config: FastStyleConfig, settings: options.Settings
) -> None:
    """Paint each frame of a film in one pass."""
    refuse_for_films(
        {"--like": chosen.like, "--record": chosen.record}  # The record of --like sets other options.
        | {"--depth 16": chosen.depth == "16", "--preserve-color": config.preserve_color != "off"}
        | {"--name-template or --format": chosen.naming != Naming()}
        | {"--region": chosen.regions, "--keep-metadata": chosen.kept.keep_metadata, "--keep-gps": chosen.kept.keep_gps}
    )
    inputs, guides = inputs_of(None, chosen.content, chosen.styles, chosen.named_styles)
    style_sources = expand(guides, notify=out.note)
    style_shares(config.style_weights, len(style_sources))
    besides = [*style_sources, *model_sources(chosen.checkpoint, None)]
    plan = film.plan(inputs, chosen.output, SPEC.label, chosen.mask, settings, besides)
    load = partial(load_fast, out, config, chosen.model, chosen.checkpoint, settings)
    return stylize_film_fast(out, film, plan, load, style_sources, settings)


def load_fast(
    out: Output, config: FastStyleConfig, model: str | None, checkpoint: Path | None, settings: options.Settings
) -> "FastStyleTransfer":
    """The style transfer in one pass, with its model downloaded if it is missing.

    Raises:
        ImgxlateError: as `imgxlate.load`.
    """
    loaded = load_model(out, SPEC, model, checkpoint, None, settings)
    from imgxlate.inference.fast_style import FastStyleTransfer

    return FastStyleTransfer(loaded, config)


@dataclass(frozen=True, slots=True)
class _Painted:
    """An image that was painted, to be written."""

    job: Job
    given: Input
    target: Target
    image: "ImageArray"
    seconds: float


@dataclass(frozen=True, slots=True)
class FastPainting:
    """Paints each content image, and writes the result."""

    out: Output
    transfer: "FastStyleTransfer"
    styles: "Sequence[ImageArray]"
    seed: int
    threads: AdaptiveThreads
    depth: "Depth"
    kept: Recording
    masks: masks.Masks
    regions: Sequence[GivenRegion]

    def compute(self, job: Job, given: Input) -> Iterator[_Painted]:
        """Paint an image."""
        mask = self.masks.read(job.source)
        parts = [region.of_input(job.source) for region in self.regions]
        require_size(job.targets, longer_side(given.image.size, self.transfer.config.size))
        pixels = self.transfer.config.size**2
        started = time.perf_counter()
        with self.threads.step(pixels, self.transfer.model.average_products(pixels)):
            image = self.transfer.stylize_array(given.image, self.styles, regions=parts, mask=mask, depth=self.depth)
        yield _Painted(job, given, job.targets[0], image, time.perf_counter() - started)

    def write(self, painted: _Painted) -> None:
        """Write the painted image and report it."""
        self.kept.write(self.out, painted.image, painted.target.path, painted.given)
        height, width = painted.image.size
        self.out.record(
            {
                "input": painted.job.source.name,
                "output": painted.target.name,
                "method": SPEC.name,
                "model": self.transfer.model.name,
                "strength": self.transfer.config.strength,
                "seed": self.seed,
                "width": width,
                "height": height,
                "seconds": round(painted.seconds, 3),
            }
        )
        if painted.target.path is not None and not self.out.as_json:
            self.out.note(str(painted.target.path))


def _as_made(
    chosen: PaintingOptions, like: Path, made: FastPaintingRecord, settings: options.Settings
) -> tuple[PaintingOptions, options.Settings]:
    """The options and settings of the record `made`, which the file `like` has.

    Raises:
        UsageError: an option that the record sets is given, or another method made the file.
    """
    others = {flag(key): True for key in chosen.given} | {"--strength": chosen.strength is not None}
    others |= {"--depth": chosen.depth == "16", "--keep-metadata": chosen.kept.keep_metadata}
    recording.require_alone(like, made, SPEC, others)
    named = chosen.model or chosen.checkpoint
    model = chosen.model if named else provenance.find_weights(made, "--checkpoint")
    depth: Literal["8", "16"] = "16" if made.depth == 16 else "8"
    kept = Recording(made.keep_metadata, made.keep_gps)
    return replace(chosen, model=model, depth=depth, record=True, kept=kept), recording.settings_like(settings, made)


def _record(
    transfer: "FastStyleTransfer",
    styles: Sequence[Input],
    depth: Literal[8, 16],
    kept: Recording,
    common: Mapping[str, Any],
) -> FastPaintingRecord:
    """The record of all outputs, without the input."""
    model = transfer.model
    return FastPaintingRecord(
        method=SPEC.name,
        weights=provenance.public_name(model.name),
        weights_sha256=provenance.sha256_of_weights(cast(Path, model.weights)),  # A command loads it from a file.
        depth=depth,
        keep_metadata=kept.keep_metadata,
        keep_gps=kept.keep_gps,
        config=flattened(transfer.config),
        styles_sha256=tuple(style.sha256 for style in styles),
        **common,
    )


def _require_same(record: FastPaintingRecord, made: FastPaintingRecord) -> None:
    """Check that the model and the style images are those of `--like`.

    Raises:
        UsageError: one of them is another one.
    """
    hint = "Give the right file with --checkpoint FILE."
    provenance.require_same("the model", record.weights_sha256, made.weights_sha256, hint)
    provenance.require_same_styles(record.styles_sha256, made.styles_sha256)
