"""Everything that a run writes to its folder: history, checkpoints, samples, evaluations, curves and the model."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from imgxlate.config import flattened
from imgxlate.data.dataset import Rejected
from imgxlate.errors import DivergedError
from imgxlate.inference.loading import model_header
from imgxlate.inference.model import Model
from imgxlate.methods.protocol import Trainable
from imgxlate.methods.spec import DOMAINS
from imgxlate.training import plots, run_model, samples
from imgxlate.training.averaging import Average
from imgxlate.training.evaluations import Evaluation
from imgxlate.training.history import Entry, History
from imgxlate.training.plan import Plan
from imgxlate.training.quality import Quality
from imgxlate.training.samples import Samples
from imgxlate.training.tensorboard import Board

_FIRST_CURVES = 10.0  # seconds until the curves are first drawn
_CURVES_SHARE = 0.05  # of the time of a run that may go into drawing curves


class RunWriter:
    """Writes the files of a run, in the main process. It also averages the weights, which the model is made of."""

    def __init__(
        self,
        plan: Plan,
        trainable: Trainable,
        step: int,
        average: Mapping[str, Tensor] | None,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        """Continue from `step`. `average` holds the averaged weights of its checkpoint, or is None at the beginning.

        `start` is the record of the model that the run began from, if there was one.

        Raises:
            OutputError: the run folder cannot be written.
            CheckpointError: the averaged weights belong to another configuration.
        """
        self._plan = plan
        self._trainable = trainable
        self._start = start
        self._average = Average(trainable.generators(), plan.config.ema) if plan.config.ema else None
        if self._average and average is not None:
            self._average.load_state(average)
        self._reported: set[Path] = set()  # rejected files that were reported
        self._samples = self._load_samples()
        self._next_curves = time.monotonic() + _FIRST_CURVES  # the earliest time to draw the curves again
        self._model_step = self._curves_step = -1  # the steps at which model and curves were last written
        self._later_model = run_model.step_of(plan.run.model) if step else 0  # of a model that a lost checkpoint made
        plan.run.sweep()
        self._quality = Quality(plan, step, start["warm_up"] if start else 0, self._report)
        self._stack = contextlib.ExitStack()
        self._history = self._stack.enter_context(History(plan.run.history, step))
        self._board = self._stack.enter_context(Board(plan.run.tensorboard, step)) if plan.tensorboard else None

    def close(self) -> None:
        """Close the open files."""
        self._stack.close()

    def record_step(self, step: int, losses: Mapping[str, float], seconds: float, rejected: Sequence[Rejected]) -> None:
        """Average the weights after step `step`, and write its losses to the history.

        Raises:
            OutputError: the history cannot be written.
        """
        if self._average:
            self._average.update(self._trainable.generators(), step - 1)
        self._history.append(Entry(step, losses, seconds))
        self._report(rejected)
        if self._board:
            self._board.add_numbers(step, losses)

    def draw_samples(self, step: int) -> None:
        """Draw and write the samples, if they are due after step `step`.

        Raises:
            OutputError: the samples cannot be written.
        """
        config = self._plan.config
        if samples.is_due(step, config.sample_every) or step == config.iterations:
            self._draw_samples(step)

    def _draw_samples(self, step: int) -> None:
        plan = self._plan
        try:
            sheet = self._samples.draw(self._model(), step)
        except DivergedError as error:
            # The losses of the next step are NaN in all processes. They name the files, and all processes see them.
            plan.notify(f"no samples after step {step}: {error}")
            return
        if sheet:
            samples.write(plan.run, step, sheet)
            if self._board:
                self._board.add_samples(step, sheet)

    def complete_samples(self, step: int) -> None:
        """Draw the samples of the checkpoint that the run continues from, if it was stopped before they were written.

        Raises:
            OutputError: the samples cannot be written.
        """
        if step and not self._plan.run.sample_at(step).exists():
            self.draw_samples(step)

    def evaluate(self, step: int) -> Iterator[bool | None]:
        """Evaluate the model of `step`, if that is not done, and keep it if it is the best.

        Yields None after each image, and at the end whether the run is over because it does not improve.

        Raises:
            OutputError: a file cannot be written.
        """
        if not self._quality.has(step):
            evaluation = yield from self._quality.evaluate(step, self._model(), self._write_best)
            if evaluation:
                self._plan.on_evaluation(evaluation)
                if self._board:
                    quality = {f"quality/{name}": value for name, value in evaluation.quality.items()}
                    self._board.add_numbers(step, quality)
        yield self._quality.ends_run()

    def save(self, step: int, attempt: int) -> Path:
        """Write a checkpoint, then the model and, now and then, the curves; then remove old checkpoints.

        The history is flushed first: a run that continues from the checkpoint needs all lines before it.

        Raises:
            OutputError: a file cannot be written. The files that were there before are intact.
        """
        plan = self._plan
        tensors = {f"training.{name}": tensor for name, tensor in self._trainable.state().items()}
        if self._average:
            tensors |= {f"average.{name}": tensor for name, tensor in self._average.state().items()}
        header = self._header() | {"attempt": attempt, "card": dataclasses.asdict(self._card())}
        header |= {"config": flattened(plan.config), "pictures": plan.folders.digest}
        header |= {"threads": plan.threads.fixed if plan.threads else None}
        try:
            self._history.flush()
        finally:  # A history that cannot be flushed must not cost the weights.
            path = plan.run.save(step, tensors, header)
        self._write_model(step)
        if time.monotonic() >= self._next_curves:
            self._draw_curves(step)
        plan.run.prune(plan.keep, step)
        return path

    def finish(self, step: int) -> None:
        """Write the samples, the curves and the model of the last step, unless they are written.

        The model is missing if the run was killed right after its last checkpoint, and the samples if the run ends
        early because it no longer improves.

        Raises:
            OutputError: a file cannot be written.
        """
        if not self._plan.run.sample_at(step).exists():
            self._draw_samples(step)
        if self._model_step != step:
            self._write_model(step)
        if self._curves_step != step:
            self._draw_curves(step)

    def _header(self) -> dict[str, Any]:
        plan = self._plan
        formats = {domain: plan.config.data.format(domain) for domain in DOMAINS}
        architecture = self._trainable.architecture()
        return model_header(plan.spec.name, architecture, plan.folders.names, run_model.TARGET, formats)

    def _weights(self) -> dict[str, Tensor]:
        return self._average.state() if self._average else self._trainable.generators()

    def _model(self) -> Model:
        plan = self._plan
        return run_model.build_model(plan.spec, self._weights(), self._header(), plan.device, plan.arithmetic)

    def _write_model(self, step: int) -> None:
        """Write the model, unless the folder holds one of a later step, whose checkpoint is damaged or lost."""
        if step < self._later_model:
            return
        run_model.write_model(self._plan.run.model, self._weights(), self._header(), step=step, card=self._card())
        self._model_step = step

    def _write_best(self, evaluation: Evaluation) -> None:
        header = self._header() | {"quality": dict(evaluation.quality)}
        run_model.write_model(self._plan.run.best, self._weights(), header, step=evaluation.step, card=self._card())

    def _card(self) -> run_model.TrainingCard:
        plan, config = self._plan, self._plan.config
        return run_model.TrainingCard(
            preset=plan.preset,
            iterations=config.iterations,
            batch_size=config.batch_size,
            accumulate=config.accumulate,
            seed=config.seed,
            precision=config.precision,
            ema=config.ema,
            images_a=len(plan.folders.train_a),
            images_b=len(plan.folders.train_b),
            size=None if config.data.resize == "none" else config.data.new_size,
            start=self._start,
        )

    def _draw_curves(self, step: int) -> None:
        """Draw the losses. The longer this takes, the later it is done again."""
        started = time.monotonic()
        plots.write(self._plan.run.losses, self._plan.run.history)
        self._curves_step = step
        ended = time.monotonic()
        self._next_curves = ended + (ended - started) / _CURVES_SHARE

    def _load_samples(self) -> Samples:
        plan, config = self._plan, self._plan.config
        loaded = samples.load(plan.folders.test_a, plan.folders.test_b, config.display_size, config.data, config.seed)
        self._report(loaded.rejected)
        for note, file in loaded.notes.items():
            self._plan.notify(f"{file}: {note}")
        return loaded

    def _report(self, rejected: Sequence[Rejected]) -> None:
        """Report each rejected file once, with the number of those so far."""
        for file in rejected:
            if file.path not in self._reported:
                self._reported.add(file.path)
                self._plan.notify(f"skipped ({len(self._reported)}): {file.path}: {file.reason}")
