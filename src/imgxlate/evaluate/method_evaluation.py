"""Evaluates one method after the other: computes, writes and measures its images of all inputs."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import ImageError, ImgxlateError, known_error
from imgxlate.evaluate.choices import MethodChoice
from imgxlate.evaluate.comparison_metrics import REPEATED, Metrics, SetNumbers, mean
from imgxlate.evaluate.cost import allocated, metered
from imgxlate.evaluate.loaded_method import LoadedMethod, SharedSettings, card_of, load, warm_up
from imgxlate.evaluate.results import ImageResult, MethodResult
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.grids import SheetPlan, thumbnail
from imgxlate.images.image_array import ImageArray
from imgxlate.images.inputs import Source
from imgxlate.images.jobs import run_jobs
from imgxlate.images.outputs import Job
from imgxlate.inference import style_codes
from imgxlate.inference.loading import ModelFile, choice_note
from imgxlate.inference.translation import resized, size_advice
from imgxlate.methods.protocol import Iterate
from imgxlate.paths import is_folder
from imgxlate.training import seeding

Column = tuple[str, int | None]
"""A column of the grid: a method's key and the number of its style."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Progress of one part of the work."""

    title: str  # a method's title, or the name of the weights that are downloaded
    done: int
    total: int | None  # None: unknown
    unit: Literal["images", "bytes"]
    detail: str = ""  # such as the current input


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonState:
    """The state of a comparison: a few numbers for each image, and thumbnails of the first inputs."""

    settings: SharedSettings
    metrics: Metrics
    jobs: Mapping[str, Sequence[Job]]  # of each method, by its key
    sheet: SheetPlan  # of the grid
    on_progress: Callable[[Stage], None]
    on_image: Callable[[Path, ImageResult], None]
    on_failure: Callable[[ImgxlateError], None]
    notify: Notify
    images: dict[Source, list[ImageResult]]  # of each input, in their order
    thumbnails: dict[Source, dict[Column | None, ImageArray]] = field(default_factory=dict)  # None: the input's own
    failures: dict[Source, str] = field(default_factory=dict)  # the first reason for each input
    unreadable: set[Source] = field(default_factory=set)
    told: set[str] = field(default_factory=set)  # notes on how files were read

    def tell(self, path: Path, image: ImageArray) -> None:
        """Tell the user each note on how files were read once."""
        for note in image.notes:
            if note not in self.told:
                self.told.add(note)
                self.notify(f"{path}: {note}")

    def add(self, source: Source, content: ImageArray, result: ImageResult, output: ImageArray) -> None:
        """Keep a result, and thumbnails if the grid shows its input."""
        self.images[source].append(result)
        if source not in self.thumbnails and len(self.thumbnails) < self.sheet.rows:
            self.thumbnails[source] = {None: thumbnail(content, self.sheet.cell)}
        if source in self.thumbnails:
            self.thumbnails[source][result.method, result.style] = thumbnail(output, self.sheet.cell)

    def leave_out(self, source: Source, error: ImageError) -> None:
        """Leave out an unreadable input from here on."""
        self.unreadable.add(source)
        self.failures[source] = str(error)


def written_styles(choice: MethodChoice, n_styles: int) -> Sequence[int | None]:
    """The numbers of the styles whose images are written; (None,) for a method without styles."""
    return range(n_styles) if choice.has_styles else (None,)


def evaluate_method(evaluation: ComparisonState, choice: MethodChoice, file: ModelFile) -> MethodResult:
    """Compute, write and measure the images of one method. Its model is in memory only during this call."""
    memory_before = allocated(evaluation.settings.device)
    method = load(choice, file, evaluation.settings)
    if choice.config is None:
        if choice.model and is_folder(choice.model):
            evaluation.notify(choice_note(file.path, method.step))
        warm_up(method)
    jobs = [job for job in evaluation.jobs[choice.key] if job.source not in evaluation.unreadable]
    sets = SetNumbers(evaluation.metrics)
    work = MethodEvaluation(evaluation, choice, method, memory_before, len(jobs), sets)
    attempts = len(evaluation.images) * len(evaluation.jobs)  # If there is only one, its error is raised.
    run_jobs(jobs, work.run, inputs=attempts, on_progress=work.show, on_failure=evaluation.on_failure)
    return work.result(card_of(file))


@dataclass(slots=True)
class MethodEvaluation:
    """A loaded method, and its numbers so far."""

    evaluation: ComparisonState
    choice: MethodChoice
    method: LoadedMethod
    memory_before: int  # bytes on the GPU before the model was loaded
    total: int  # inputs
    sets: SetNumbers
    finished: int = 0  # inputs with all their images
    tried: int = 0  # inputs that are finished or have failed
    advised: bool = False  # about large inputs

    def show(self, tried: int, job: Job) -> None:
        """Report which input is next."""
        self.tried = tried
        self.evaluation.on_progress(Stage(self.choice.title, tried, self.total, "images", job.source.name))

    def run(self, job: Job) -> None:
        """Compute, write and measure the images of one input. Its first failure is kept for the summary."""
        try:
            self._evaluate_input(job)
        except ImageError as error:
            self.evaluation.leave_out(job.source, error)
            raise
        except Exception as error:
            reason = f"{job.source.name}: {self.choice.title}: {known_error(error)}"
            self.evaluation.failures.setdefault(job.source, reason)
            raise

    def result(self, card: str | None) -> MethodResult:
        """The method with the means of its images' numbers, and the numbers of sets."""
        made = [image for row in self.evaluation.images.values() for image in row if image.method == self.choice.key]
        names = dict.fromkeys(name for image in made for name in image.numbers)
        means = {name: mean(image.numbers[name] for image in made) for name in names}
        return MethodResult(
            key=self.choice.key,
            title=self.choice.title,
            model=self.method.model,
            settings=self.method.settings,
            card=card,
            numbers={**means, **self.sets.numbers(self.evaluation.settings.seed)},
        )

    def _evaluate_input(self, job: Job) -> None:
        path = Path(job.source.name)
        image = decode(path, limits=self.evaluation.settings.limits)
        self.evaluation.tell(path, image)
        content = resized(image, self.evaluation.settings.size)
        self._advise(path, content)
        measure = self.evaluation.metrics.of_outputs(content)
        made = self.method.make(content, self._codes(content), partial(self._show_iteration, job))
        outputs = metered(made, self.evaluation.settings.device, self.memory_before)
        files = zip(self._styles(), job.targets, strict=True)
        for (style, target), (output, cost) in zip(files, outputs, strict=False):  # `outputs` last: it may have more.
            file = Path(target.name)
            save(output, file)
            numbers = {**measure(output), **cost}
            result = ImageResult(self.choice.key, self.method.model, style, file, numbers)
            self.evaluation.add(job.source, content, result, output)
            self.evaluation.on_image(path, result)
        self._measure_sets(content, output, (output for output, _ in outputs))
        self.finished += 1

    def _styles(self) -> Sequence[int | None]:
        return written_styles(self.choice, self.evaluation.settings.n_styles)

    def _codes(self, content: ImageArray) -> Sequence[style_codes.Code]:
        """The style codes of the images to write, equal for all inputs, then codes that are drawn for this input.

        The drawn codes depend on the input's pixels, but not on its name or on the order of the inputs.
        """
        if self.method.style_dim is None:
            return ()
        seed = self.evaluation.settings.seed
        own_seed = seeding.derived(seed, hashlib.sha256(content.on_white().rgb.tobytes()).hexdigest())
        written = style_codes.sample(len(self._styles()), self.method.style_dim, seed)
        drawn = style_codes.sample(self.evaluation.metrics.draws(self.finished), self.method.style_dim, own_seed)
        return (*written.codes, *drawn.codes)

    def _measure_sets(self, content: ImageArray, output: ImageArray, drawn: Iterator[ImageArray]) -> None:
        """Add outputs to the numbers of sets: the `drawn` ones of a method with styles, otherwise `output`."""
        if self.method.style_dim is not None:
            self.sets.add_drawn(drawn)
            return
        self.sets.add_to_set(output)
        if self.choice.config is None and self.finished < REPEATED:
            self.sets.add_diversity(chain([output], self.method.make(content, (), ignore)))

    def _advise(self, path: Path, content: ImageArray) -> None:
        """Say once that inputs are far larger than the training images."""
        advice = size_advice(content, self.method.model, self.method.trained_size)
        if advice and not (self.advised or self.evaluation.settings.size):
            self.advised = True
            self.evaluation.notify(f"{path}: {advice}")

    def _show_iteration(self, job: Job, iterate: Iterate) -> None:
        detail = f"{job.source.name}, iteration {iterate.iteration} of {iterate.iterations}"
        self.evaluation.on_progress(Stage(self.choice.title, self.tried, self.total, "images", detail))
