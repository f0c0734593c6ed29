"""The training loop, and the way of a step: batch -> train_step -> losses -> history, health, samples, checkpoint."""

import contextlib
import itertools
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from imgxlate.callbacks import Notify, ignore
from imgxlate.checkpoint import TRAINING, Checkpoint
from imgxlate.config import from_mapping
from imgxlate.data.batch import Batch, Rejected
from imgxlate.data.loader import open_batches
from imgxlate.errors import INTERRUPTED, TERMINATED, CheckpointError, DivergedError, ImgxlateError, UsageError
from imgxlate.inference.device import require_exact
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext, Trainable
from imgxlate.torchrun import find_rank
from imgxlate.training import health, seeding
from imgxlate.training.distributed import World, joined
from imgxlate.training.plan import Plan
from imgxlate.training.recipes import changes
from imgxlate.training.run_writer import RunWriter
from imgxlate.training.signals import Stop, deferred, ending
from imgxlate.training.tensorboard import require_tensorboard

_MOST_ROLLBACKS = 10  # with no checkpoint in between


@dataclass(frozen=True, slots=True)
class StepResult:
    """A training step that is done."""

    step: int  # steps done
    iterations: int  # steps in all
    losses: Mapping[str, float]  # the mean over all processes
    seconds: float  # wall time of the step
    waited: float  # ... of which it waited for pictures
    saved: Path | None  # the checkpoint that was written after it


@contextlib.contextmanager
def open_trainer(plan: Plan, *, resume: bool) -> Iterator["Trainer"]:
    """Join the other processes, build the networks, and with `resume` go back to the newest checkpoint.

    Without it, what the run's folder holds of another run is removed, once it is known that this one can begin.

    Raises:
        UsageError: the configuration cannot be, or asks for less than the run has done.
        CheckpointError: the checkpoint is another configuration's.
        DeviceError: the other processes cannot be reached, or one was lost.
        OutputError: the run's folder cannot be written.
    """
    if plan.options.tensorboard:
        require_tensorboard()
    positions = find_rank().positions(plan.config.batch_size)
    with joined(plan.device) as world:
        require_exact(plan.device, plan.dtype)
        trainer = Trainer(plan, world, positions)
        try:
            checkpoint = plan.run.latest(plan.notify) if resume else None
            if checkpoint:
                _compare(plan, checkpoint, notify=plan.notify if world.is_main else ignore)
            trainer.begin(checkpoint, clearing=not resume)
            yield trainer
        finally:
            trainer.close()


class Trainer:
    """A run: the networks in training, and how far they are."""

    def __init__(self, plan: Plan, world: World, positions: range) -> None:
        self._plan = plan
        self._world = world
        self._positions = positions  # of this process's pictures in a batch
        self._writer: RunWriter | None = None  # of the leading process
        self._rollbacks = 0
        self.attempt = 0  # how often the run went back; what is random follows from it too, or it would go wrong again
        self.step = 0

    def begin(self, checkpoint: Checkpoint | None, *, clearing: bool = False) -> None:
        """Build the networks, as they were in `checkpoint`, or with initial weights; then clear the folder, or not.

        Raises:
            UsageError: the configuration cannot be.
            CheckpointError: the checkpoint is another configuration's.
            OutputError: the run's folder cannot be written.
        """
        plan = self._plan
        self.close()
        self._trainable: Trainable = registry.trainable(plan.spec).create(plan.config, plan.features)
        self._trainable.place(plan.device, plan.dtype, compiled=plan.options.compiled)
        self.step = self.attempt = 0
        if checkpoint:
            self._trainable.load_state(_part(checkpoint, "training"))
            self.step, self.attempt = checkpoint.header["step"], checkpoint.header["attempt"]
        self._saved = self.step
        if len(set(self._world.collect(self.step))) > 1:
            raise UsageError(
                f"the processes do not find the same checkpoints in {plan.run.path}",
                hint="All machines of a run need one folder that they share.",
            )
        if self._world.is_main:
            if clearing:
                plan.run.clear()
            average = _part(checkpoint, "average") if checkpoint else None
            self._writer = RunWriter(plan, self._trainable, self.step, average)

    def close(self) -> None:
        """Close the files that are open."""
        if self._writer:
            self._writer.close()
        self._writer = None

    def run(self) -> Generator[StepResult, None, None]:
        """Train to the end, yielding after each step.

        Raises:
            DivergedError: a loss or a gradient is NaN or infinite, and going back is not wanted or did not help.
            KeyboardInterrupt, TerminatedError: somebody asked to end; the step is finished, and all is saved.
            OutputError: the run's folder cannot be written; its last checkpoint is whole.
            DeviceError: another process of the run was lost.
        """
        with deferred(self._plan.notify) as stop:
            while self.step < self._plan.config.iterations:
                try:
                    yield from self._stretch(stop)
                except DivergedError as error:
                    self._go_back(error)
            if self._writer:
                self._writer.finish(self.step)

    def _stretch(self, stop: Stop) -> Iterator[StepResult]:
        """Go on from where the run stands, to the end or until it diverges."""
        plan = self._plan
        loading = open_batches(
            plan.folders,
            plan.config.data,
            seed=self._seed,
            batch_size=plan.config.batch_size,
            places=self._positions,
            start_step=self.step,
            pin_memory=plan.device.type == "cuda",
        )
        with loading as batches:
            while self.step < plan.config.iterations:
                progress, exit_code = self._advance(batches, stop)
                yield progress
                if exit_code:
                    raise ending(exit_code)

    def _advance(self, batches: Iterator[Batch], stop: Stop) -> tuple[StepResult, int]:
        """One step, and what is due after it; also what to end with where somebody asked for that, or 0."""
        started = time.perf_counter()
        batch = self._next(batches)
        waited = time.perf_counter() - started
        losses = self._trainable.train_step(batch.to(self._plan.device), self._context())
        shared, exit_code, rejected = self._shared(losses, stop.exit_code, batch.rejected)
        self._check(shared, batch)

        self.step += 1
        if self._writer:
            self._writer.step(self.step, shared, time.perf_counter() - started, rejected)
        saved = self._save() if self._is_due(exit_code) else None
        if self._writer:
            self._writer.sample(self.step)
        if exit_code:
            self._world.collect(None)  # A process that ends before the leading one has saved would have it ended, too.
        spent = time.perf_counter() - started
        return StepResult(self.step, self._plan.config.iterations, shared, spent, waited, saved), exit_code

    def _next(self, batches: Iterator[Batch]) -> Batch:
        try:
            return next(batches)
        except ImgxlateError:
            if self.step > self._saved:  # What is trained so far is sound.
                self._save()
            raise

    def _context(self) -> StepContext:
        noise = seeding.make_noise(self._seed, self.step, self._positions, self._plan.device)
        return StepContext(self.step, noise, seeding.make_random(self._seed, self.step), self._world)

    @property
    def _seed(self) -> int:
        seed = self._plan.config.seed
        return seeding.derived(seed, self.attempt) if self.attempt else seed

    def _shared(
        self, losses: Mapping[str, Tensor], exit_code: int, rejected: Sequence[Rejected]
    ) -> tuple[dict[str, float], int, Sequence[Rejected]]:
        """What all processes know of a step: the mean losses, what any was asked to end with, what any put aside."""
        told = [float(exit_code == code) for code in (INTERRUPTED, TERMINATED)] + [float(bool(rejected))]
        values = torch.stack([loss.detach() for loss in losses.values()])
        together = torch.cat([values, values.new_tensor(told)])
        self._world.average([together])
        *means, interrupted, terminated, any_rejected = together.tolist()
        if any_rejected:
            rejected = list(itertools.chain.from_iterable(self._world.collect(rejected)))
        code = INTERRUPTED if interrupted else TERMINATED if terminated else 0
        return dict(zip(losses, means, strict=True)), code, rejected

    def _check(self, losses: Mapping[str, float], batch: Batch) -> None:
        if health.is_finite(losses):
            return
        files = self._world.collect((batch.files_a, batch.files_b))
        raise health.diverged(losses, self.step + 1, files)

    def _is_due(self, exit_code: int) -> bool:
        config = self._plan.config
        return bool(exit_code) or self.step % config.checkpoint_every == 0 or self.step == config.iterations

    def _save(self) -> Path | None:
        self._rollbacks = 0
        self._saved = self.step
        return self._writer.save(self.step, self.attempt) if self._writer else None

    def _go_back(self, error: DivergedError) -> None:
        """Return to the last checkpoint, or to the beginning, and take other pictures and noise from there."""
        self._rollbacks += 1
        if self._plan.options.on_nan == "stop" or self._rollbacks > _MOST_ROLLBACKS:
            raise error
        attempt = self.attempt + 1
        self.begin(self._plan.run.latest(self._plan.notify))
        self.attempt = attempt
        if self._world.is_main:
            self._plan.notify(f"{error}; going on from step {self.step} with other pictures")


def _compare(plan: Plan, checkpoint: Checkpoint, notify: Notify) -> None:
    """Refuse a checkpoint that the plan cannot go on from; say what is another than it was."""
    header = checkpoint.header
    if (header.get("kind"), header["method"]) != (TRAINING, plan.spec.name):
        raise CheckpointError(
            f"{checkpoint.path}: is of a training of {header['method']}, not of {plan.spec.name}",
            hint="Give the method that the run began with, or another --out.",
        )
    if header["step"] > plan.config.iterations:
        raise UsageError(
            f"{plan.run.path} has done {header['step']} steps, and is to do {plan.config.iterations}",
            hint=f"Type `--iterations {header['step']}` or more.",
        )
    old = from_mapping(type(plan.config), header["config"], origin=str(checkpoint.path))
    for change in changes(old, plan.config):
        notify(f"changed: {change}")
    if header["pictures"] != plan.folders.digest:
        notify("the training pictures are not those that the run had: from here on others are drawn")


def _part(checkpoint: Checkpoint, name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in checkpoint.tensors.items() if key.startswith(prefix)}
