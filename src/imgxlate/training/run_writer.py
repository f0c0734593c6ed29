"""What a run leaves in its folder: history, samples, checkpoints and the model. Only the leading process writes."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from imgxlate.config import flattened
from imgxlate.data.batch import Rejected
from imgxlate.methods.protocol import Trainable
from imgxlate.training import plots, run_model, samples
from imgxlate.training.averaging import Average
from imgxlate.training.history import Entry, History
from imgxlate.training.plan import Plan
from imgxlate.training.samples import Samples

_DRAWING_STARTS = 10.0  # seconds after which curves are first drawn
_DRAWING_SHARE = 0.05  # of the time that may go into drawing curves


class RunWriter:
    """The files of a run in the making, and the average of its weights, which its model is made of."""

    def __init__(self, plan: Plan, trainable: Trainable, step: int, average: Mapping[str, Tensor] | None) -> None:
        """Go on from `step`; `average` is what a checkpoint of that step has, None at the beginning.

        Raises:
            OutputError: the run's folder cannot be written.
            CheckpointError: the average is another configuration's.
        """
        self._plan = plan
        self._trainable = trainable
        self._average = Average(trainable.generators(), plan.config.ema) if plan.config.ema else None
        if self._average and average is not None:
            self._average.load_state(average)
        self._put_aside: set[Path] = set()
        self._samples = self._load_samples()
        self._draw_after = time.monotonic() + _DRAWING_STARTS  # when the curves may be drawn again
        self._modelled = self._drawn = -1  # the steps of the model and of the curves that were written
        plan.run.sweep()
        self._stack = contextlib.ExitStack()
        self._history = self._stack.enter_context(History(plan.run.history, step))
        self._board = None
        if plan.options.tensorboard:
            from imgxlate.training.tensorboard import Board  # Imported where wanted: it is an extra.

            self._board = self._stack.enter_context(Board(plan.run.tensorboard, step))

    def close(self) -> None:
        """Close what is open."""
        self._stack.close()

    def step(self, step: int, losses: Mapping[str, float], seconds: float, rejected: Sequence[Rejected]) -> None:
        """Write down what happened in a step, the `step`-th.

        Raises:
            OutputError: it cannot be written.
        """
        if self._average:
            self._average.update(self._trainable.generators(), step - 1)
        self._history.append(Entry(step, losses, seconds))
        self._report(rejected)
        if self._board:
            self._board.losses(step, losses)

    def sample(self, step: int) -> None:
        """Draw a sample where one is due.

        Raises:
            OutputError: it cannot be written.
        """
        if samples.times(step, self._plan.config.sample_every) or step == self._plan.config.iterations:
            self._sample(step)

    def save(self, step: int, attempt: int) -> Path:
        """Write a checkpoint, then the model and, now and then, the curves, then remove what is too many.

        Raises:
            OutputError: something cannot be written; what was there before is whole.
        """
        plan = self._plan
        tensors = {f"training.{name}": tensor for name, tensor in self._trainable.state().items()}
        if self._average:
            tensors |= {f"average.{name}": tensor for name, tensor in self._average.state().items()}
        header = self._header() | {"attempt": attempt, "preset": plan.preset}
        header |= {"config": flattened(plan.config), "pictures": plan.folders.digest}
        path = plan.run.save(step, tensors, header)
        self._write_model(step)
        if time.monotonic() >= self._draw_after:
            self._draw_curves(step)
        plan.run.prune(plan.options.keep, step)
        return path

    def finish(self, step: int) -> None:
        """Write what is not of this step yet: curves, and the model of a run that was killed after its last checkpoint.

        Raises:
            OutputError: it cannot be written.
        """
        if self._modelled != step:
            self._write_model(step)
        if self._drawn != step:
            self._draw_curves(step)

    def _header(self) -> dict[str, object]:
        folders = self._plan.folders
        return run_model.header(self._plan.spec.name, self._trainable.architecture(), folders.names)

    def _weights(self) -> dict[str, Tensor]:
        return self._average.state() if self._average else self._trainable.generators()

    def _write_model(self, step: int) -> None:
        plan, config = self._plan, self._plan.config
        card = run_model.TrainingCard(
            preset=plan.preset,
            iterations=config.iterations,
            batch_size=config.batch_size,
            seed=config.seed,
            precision=config.precision,
            ema=config.ema,
            images_a=len(plan.folders.train_a),
            images_b=len(plan.folders.train_b),
            size=None if config.data.resize == "none" else config.data.new_size,
        )
        run_model.write_model(plan.run.model, self._weights(), self._header(), step=step, card=card)
        self._modelled = step

    def _draw_curves(self, step: int) -> None:
        """Draw the losses; the time that this takes decides how soon it is done again."""
        started = time.monotonic()
        plots.write(self._plan.run.losses, self._plan.run.history)
        self._drawn = step
        ended = time.monotonic()
        self._draw_after = ended + (ended - started) / _DRAWING_SHARE

    def _load_samples(self) -> Samples:
        plan, config = self._plan, self._plan.config
        loaded = samples.load(plan.folders.test_a, plan.folders.test_b, config.display_size, config.data, config.seed)
        self._report(loaded.rejected)
        return loaded

    def _sample(self, step: int) -> None:
        plan = self._plan
        model = run_model.build_model(plan.spec, self._weights(), self._header(), plan.device, plan.dtype)
        sheet = self._samples.draw(model, step)
        if sheet is None:
            return
        samples.write(plan.run, step, sheet)
        if self._board:
            self._board.picture(step, sheet)

    def _report(self, rejected: Sequence[Rejected]) -> None:
        """Name each file that is put aside once, and how many there are."""
        for file in rejected:
            if file.path not in self._put_aside:
                self._put_aside.add(file.path)
                self._plan.notify(f"put aside ({len(self._put_aside)}): {file.path}: {file.reason}")
