"""What `imgxlate compare` does when its options are settled: every entrant in turn, then the files and a summary."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from imgxlate import atomic
from imgxlate.cli import comparison_table, loading, runs
from imgxlate.cli.comparison_plan import Plan
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.cli.translation import SizeAdvice
from imgxlate.errors import ImageError, known_error
from imgxlate.evaluate.comparison import Comparison, Entrant, Made, Row
from imgxlate.evaluate.entrants import Entry
from imgxlate.images.inputs import Source
from imgxlate.images.outputs import Job
from imgxlate.weights import cards
from imgxlate.weights.features import find_features

if TYPE_CHECKING:
    from imgxlate.evaluate.collection import Collection
    from imgxlate.evaluate.compare import Terms, Trial
    from imgxlate.evaluate.measuring import Instruments
    from imgxlate.evaluate.painters import Circumstances
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.loading import ModelFile
    from imgxlate.methods.protocol import Iterate
    from imgxlate.weights.store import Store


def carry_out(out: Output, plan: Plan) -> None:
    """Compare, write what is found, and sum it up.

    Raises:
        BatchError: some inputs failed; the others are compared.
        ImageError: the only input cannot be read.
    """
    from imgxlate.evaluate.painters import load

    if len(plan.sources) == 1 and plan.sources[0].path:
        runs.read_picture(plan.sources[0])
    common = _circumstances(plan)
    files = {entry.key: _locate(out, entry, plan.offline) for entry in plan.entries}
    for entry in plan.entries:  # What is wrong with the last is to be known before the first works for hours.
        load(entry, files[entry.key], common)
    contest = _Contest.of(out, plan.with_stdin_as_file(), common)
    if Source(None) in plan.sources:
        contest.keep_stdin()
    entrants = tuple(contest.run(entry, files[entry.key]) for entry in plan.entries)
    if contest.collection.rows:
        comparison = contest.conclude(entrants)
        comparison_table.show(out, comparison)
        _write(out, plan, contest.collection, comparison)
    runs.report(list(contest.failures.values()), of=len(plan.sources))


@dataclass(slots=True)
class _Contest:
    """A comparison under way."""

    out: Output
    plan: Plan
    common: "Circumstances"
    instruments: "Instruments"
    terms: "Terms"
    collection: "Collection"
    failures: dict[Source, str] = field(default_factory=dict)  # what went wrong with an input
    unreadable: set[Source] = field(default_factory=set)

    @classmethod
    def of(cls, out: Output, plan: Plan, common: "Circumstances") -> Self:
        """One that is about to begin, with the networks that measure."""
        from imgxlate.evaluate.collection import Collection
        from imgxlate.evaluate.compare import Terms, headers

        terms = Terms(plan.n_styles, plan.size, plan.seed)
        collection = Collection(plan.sources, headers(plan.entries, terms), plan.rows)
        return cls(out, plan, common, _instruments(out, plan, common), terms, collection)

    def keep_stdin(self) -> None:
        """Put what comes through standard input where every entrant and the report read it.

        Raises:
            ImageError: it cannot be read, and is the only input.
            OutputError: it cannot be written.
        """
        kept = self.plan.folder.stdin
        try:
            runs.write_picture(self.out, runs.read_picture(Source(None)), kept)
        except ImageError as error:
            if len(self.plan.sources) == 1:
                raise
            self.out.error(error)
            self._leave_out(Source(kept), error)

    def run(self, entry: Entry, file: "ModelFile") -> Entrant:
        """Let one entrant work on every input that can be read; its model is gone from memory afterwards."""
        from imgxlate.evaluate.compare import begin

        jobs = [job for job in self.plan.jobs[entry.key] if job.source not in self.unreadable]
        chances = len(self.plan.sources) * len(self.plan.entries)
        with Bar(self.out, entry.title, len(jobs), "images").shown() as bar:
            trial = begin(entry, file, self.common, self.terms, self.instruments, self.collection)
            advice = SizeAdvice(self.out, trial.painter.model, trial.painter.trained, self.plan.size)
            runs.run_jobs(self.out, jobs, partial(self._try, trial, bar, advice), of=chances, bar=bar)
        return trial.entrant()

    def conclude(self, entrants: tuple[Entrant, ...]) -> Comparison:
        """All that was found."""
        from imgxlate.evaluate.compare import facts
        from imgxlate.evaluate.cost import Meter

        rows = self.collection.rows
        measures = (*self.instruments.measures(len(rows)), *Meter(self.common.device).measures())
        names = [measure.name for measure in measures]
        return Comparison(
            entrants=tuple(
                replace(each, numbers={name: each.numbers.get(name) for name in names}) for each in entrants
            ),
            measures=measures,
            rows=rows,
            style_images=tuple(self.plan.style_images),
            facts=facts(self.common, self.terms, self._counted(rows)),
        )

    def _counted(self, rows: Sequence[Row]) -> str:
        """How many inputs there are, and how many of them each entrant has that failed on some."""
        counts = {
            entry.title: sum(any(made.entrant == entry.key for made in row.made) for row in rows)
            for entry in self.plan.entries
        }
        fewer = [f"{title} {count}" for title, count in counts.items() if count < len(rows)]
        return f"{len(rows)} (of which {', '.join(fewer)})" if fewer else str(len(rows))

    def _try(self, trial: "Trial", bar: Bar, advice: SizeAdvice, job: Job) -> None:
        """One input. What goes wrong with it is noted once: it may go wrong with every entrant.

        An input that cannot be read is left out from then on; what one entrant cannot make, another may.
        """

        def show(iterate: "Iterate") -> None:
            bar.update(trial.done, text=f"{job.source.name}, iteration {iterate.iteration} of {iterate.iterations}")

        try:
            for made in trial.run(job, partial(advice.consider, job.source.name), show):
                self._report(job, trial.painter.model, made)
        except ImageError as error:
            self._leave_out(job.source, error)
            raise
        except Exception as error:
            self.failures.setdefault(job.source, f"{job.source.name}: {trial.entry.title}: {known_error(error)}")
            raise

    def _leave_out(self, source: Source, error: ImageError) -> None:
        self.unreadable.add(source)
        self.failures[source] = str(error)

    def _report(self, job: Job, model: str, made: Made) -> None:
        self.out.record(
            {
                "output": str(made.file),
                "input": job.source.name,
                "entrant": made.entrant,
                "model": model,
                "style": made.style,
                "seed": self.terms.seed,
                "numbers": dict(made.numbers),
            }
        )
        self.out.detail(str(made.file))


def _circumstances(plan: Plan) -> "Circumstances":
    from imgxlate.evaluate.painters import Circumstances
    from imgxlate.inference.device import find_device, find_dtype

    device = find_device(plan.device)
    dtype = find_dtype(plan.precision, device)
    return Circumstances(device, dtype, plan.to, tuple(plan.style_images.values()), plan.seed)


def _locate(out: Output, entry: Entry, offline: bool) -> "ModelFile":
    """The file of an entrant's weights, fetched where it is missing."""
    from imgxlate.inference.loading import ModelFile, find_model
    from imgxlate.weights.store import Store

    if entry.config is not None:
        features = str(entry.model)
        return ModelFile(features, find_features(features, offline=offline, notify=out.note))
    store = Store()
    path = Path(entry.model) if entry.model and _is_path(entry.model, store) else None
    name = None if path else entry.model
    return find_model(
        entry.spec, name, path, None, store, lambda card: loading.fetch(out, store, card, offline=offline)
    )


def _is_path(model: str, store: "Store") -> bool:
    """Whether a model is meant by its place: a name that is known comes first, or one that exists as a file does."""
    if "/" in model or os.sep in model:
        return True
    return model not in {*cards.cards(), *(record.name for record in store.records())} and Path(model).exists()


def _instruments(out: Output, plan: Plan, common: "Circumstances") -> "Instruments":
    from imgxlate.evaluate.distances import PROTOCOLS
    from imgxlate.evaluate.measuring import prepare
    from imgxlate.evaluate.trunks import TrunkSource

    pairs = PROTOCOLS[plan.protocol]
    if plan.metrics == "none":
        return prepare(None, pairs)
    with Bar(out, "networks that measure", None, "bytes").shown() as bar:
        trunks = TrunkSource(plan.metrics, common.device, plan.offline, bar.update, out.note)
        real = None if plan.targets is None else _readable(out, plan.targets)
        instruments = prepare(trunks, pairs, common.style_images, real)
    if plan.targets and not len(instruments.real):
        raise ImageError(plan.targets[0].name, "none of the images of --targets can be read")
    return instruments


def _readable(out: Output, sources: Sequence[Source]) -> "Iterator[ImageArray]":
    """The pictures that can be read; the others are named, and left out."""
    for source in sources:
        try:
            yield runs.read_picture(source)
        except ImageError as error:
            out.error(error)


def _write(out: Output, plan: Plan, collection: "Collection", comparison: Comparison) -> None:
    """Write both tables, the grid and the report: first what cannot be had again by looking at the pictures."""
    from imgxlate.evaluate import tables
    from imgxlate.evaluate.report import page

    grid, metrics, table, report = plan.folder.files
    tables.write_json(comparison, metrics)
    out.record({"output": str(metrics), "entrants": {each.key: dict(each.numbers) for each in comparison.entrants}})
    tables.write_csv(comparison, table)
    out.record({"output": str(table)})
    runs.write_picture(out, collection.sheet(), grid)
    out.record({"output": str(grid)})
    atomic.write_bytes(report, page(comparison, plan.rows).encode())
    out.record({"output": str(report)})
    if not out.as_json:
        for path in plan.folder.files:
            out.note(str(path))
