"""The training loop. `Trainer._train` holds the way of a step: batch, losses, history, checkpoint, evaluation."""

import contextlib
import itertools
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.data.dataset import Rejected
from imgxlate.data.loader import open_batches
from imgxlate.errors import INTERRUPTED, TERMINATED, DivergedError, ImgxlateError, UsageError
from imgxlate.inference.device import require_exact
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext, Trainable
from imgxlate.methods.spec import TrainingConfig
from imgxlate.nn.precision import fast_arithmetic
from imgxlate.threads import average_products
from imgxlate.torchrun import find_rank
from imgxlate.training import evaluations, seeding, start
from imgxlate.training.distributed import World, joined
from imgxlate.training.divergence import divergence, is_finite
from imgxlate.training.plan import Plan, keep_threads, require_resumable
from imgxlate.training.run_writer import RunWriter
from imgxlate.training.signals import Stop, deferred_signals, stop_error
from imgxlate.training.tensorboard import require_tensorboard

_MAX_ROLLBACKS = 10  # without a checkpoint in between


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a training step."""

    step: int  # number of steps done
    iterations: int  # number of steps in all
    losses: Mapping[str, float]  # means over all processes
    seconds: float  # duration of the step
    waited: float  # the part of it spent waiting for images, in seconds
    saved: Path | None  # the checkpoint written after the step


@contextlib.contextmanager
def open_trainer(plan: Plan, *, resume: bool) -> Iterator["Trainer"]:
    """Join the other processes and build the networks.

    With `resume`, restore the newest checkpoint. Without it, remove an older run from the folder, once all checks of
    this run have passed.

    Raises:
        UsageError: the configuration is invalid, differs from the checkpoint's, or sets fewer steps than were done.
        CheckpointError: the checkpoints are damaged, or of another method.
        DeviceError: another process cannot be reached, or was lost.
        OutputError: the run folder cannot be written.
    """
    if plan.tensorboard:
        require_tensorboard()
    positions = own_positions(plan.config)
    with joined(plan.device) as world:
        require_exact(plan.device, plan.arithmetic.dtype)
        trainer = Trainer(plan, world, positions)
        try:
            checkpoint = plan.run.latest(plan.notify) if resume else None
            if checkpoint:
                require_resumable(plan, checkpoint, plan.notify)
                keep_threads(plan, checkpoint)
            trainer.build(checkpoint, clear=not resume)
            yield trainer
        finally:
            trainer.close()


class Trainer:
    """The networks in training, and the number of steps done."""

    def __init__(self, plan: Plan, world: World, positions: range) -> None:
        self._plan = plan
        self._world = world
        self._positions = positions  # of this process's images in the batch
        self._writer: RunWriter | None = None  # only the main process has one
        self._attempt = 0  # rollbacks in all; part of the seed, so that other images and noise are drawn
        self._rollbacks = 0  # since the last checkpoint
        self._is_over = False  # whether the run ends early, because it does not improve
        self._origin: Mapping[str, Any] | None = None  # what the run took from another model; see `start.record`
        self.step = 0  # number of steps done

    def build(self, checkpoint: Checkpoint | None, *, clear: bool = False, writes: bool = True) -> None:
        """Build the networks with initial weights, or with those of `checkpoint`. `clear`: empty the run folder then.

        Without `writes`, the run folder stays as it is, and only `rehearse` can follow.

        Raises:
            UsageError: the configuration is invalid.
            CheckpointError: the checkpoint belongs to another configuration.
            OutputError: the run folder cannot be written.
        """
        plan = self._plan
        self.close()
        self._trainable: Trainable = registry.trainable(plan.spec).create(plan.config, plan.features)
        self._trainable.place(plan.device, plan.arithmetic.dtype, compiled=plan.compiled)
        self.step = self._attempt = 0
        if checkpoint:
            self._trainable.load_state(checkpoint.part("training"))
            self.step, self._attempt = checkpoint.header["step"], checkpoint.header["attempt"]
            self._origin = checkpoint.header.get("card", {}).get("start")
        elif plan.start:
            self._origin = self._begin_from(plan.start())
        self._saved_step = self.step
        if len(set(self._world.gather_objects(self.step))) > 1:
            raise UsageError(
                f"the processes find different checkpoints in {plan.run.path}",
                hint="All machines of a run must share its folder.",
            )
        if self._world.is_main and writes:
            if clear:
                plan.run.clear()
            average = checkpoint.part("average") if checkpoint else None
            self._writer = RunWriter(plan, self._trainable, self.step, average, self._origin)

    def _begin_from(self, model: start.Start) -> Mapping[str, Any]:
        """Take the weights of `model` that fit. Returns the record of it."""
        plan = self._plan
        parts = start.take(model, self._trainable)
        record = start.record(model, parts, plan.config.warm_up)
        for message in start.messages(
            model, parts, self._trainable, plan.folders.names, record["warm_up"], plan.config.iterations
        ):
            plan.notify(message)
        return record

    def close(self) -> None:
        """Close the open files."""
        if self._writer:
            self._writer.close()
        self._writer = None

    def run(self) -> Generator[StepResult, None, None]:
        """Train to the last step, yielding after each one.

        Raises:
            DivergedError: a loss or a gradient is NaN or infinite, and rollback is off or did not help.
            KeyboardInterrupt, TerminatedError: a signal arrived. The step is finished, and everything is saved.
            OutputError: the run folder cannot be written. Its last checkpoint is intact.
            DeviceError: another process of the run was lost.
        """
        with deferred_signals(self._plan.notify) as stop:
            if self._writer:
                self._writer.complete_samples(self.step)
            self._evaluate(stop)  # The run may have been stopped before the evaluation of its last step.
            while self._goes_on():
                try:
                    yield from self._train(stop)
                except DivergedError as error:
                    self._roll_back(error)
            if self._writer:
                self._writer.finish(self.step)

    def rehearse(self) -> Generator[float, None, None]:
        """Take steps without end, and write nothing. Yields how long each one takes with its images, in seconds."""
        plan = self._plan
        with self._open_batches() as batches:
            while True:
                started = time.perf_counter()
                batch = next(batches)
                with fast_arithmetic(plan.arithmetic.fast), self._threads():
                    losses = self._trainable.train_step(batch.to(plan.device), self._context())
                self._share(losses, 0, ())  # Waits for the device and for the other processes.
                self.step += 1
                yield time.perf_counter() - started

    def _train(self, stop: Stop) -> Iterator[StepResult]:
        """Take the steps that are left, until a loss is NaN or infinite."""
        plan, iterations = self._plan, self._plan.config.iterations
        with self._open_batches() as batches:
            while self._goes_on():
                # Load the batch.
                started = time.perf_counter()
                batch = self._next_batch(batches)
                waited = time.perf_counter() - started

                # Update the networks, and share the losses and the signals with the other processes.
                with fast_arithmetic(plan.arithmetic.fast), self._threads():
                    own_losses = self._trainable.train_step(batch.to(plan.device), self._context())
                losses, exit_code, rejected = self._share(own_losses, stop.exit_code, batch.rejected)
                self._require_finite(losses, batch)
                self.step += 1

                # Write the history, then the checkpoint and the samples if they are due.
                if self._writer:
                    self._writer.record_step(self.step, losses, time.perf_counter() - started, rejected)
                saved = self._save() if exit_code or self._is_checkpoint_due() else None
                if self._writer:
                    self._writer.draw_samples(self.step)

                # Report. No process ends before the main one has saved: torchrun would end that one, too.
                if exit_code:
                    self._world.gather_objects(None)
                yield StepResult(self.step, iterations, losses, time.perf_counter() - started, waited, saved)
                if exit_code:
                    raise stop_error(exit_code)

                # Evaluate the model, if that is due. The checkpoint of the step is written.
                self._evaluate(stop)

    def _goes_on(self) -> bool:
        return self.step < self._plan.config.iterations and not self._is_over

    def _evaluate(self, stop: Stop) -> None:
        """Evaluate the model, if that is due and not done, and note whether the run is over.

        The main process measures. All processes meet after each image, so that none waits too long for another. A
        signal ends the evaluation; the resumed run repeats it.
        """
        if not (self._plan.is_evaluated and evaluations.is_due(self.step, self._plan.config)):
            return
        for is_over in self._writer.evaluate(self.step) if self._writer else itertools.repeat(None):
            states = self._world.gather_objects((is_over, stop.exit_code))
            if exit_code := max(code for _, code in states):
                raise stop_error(exit_code)
            if states[0][0] is not None:
                self._is_over = states[0][0]
                return

    def _threads(self) -> contextlib.AbstractContextManager[None]:
        """A block whose computations take the number of threads that suits the run."""
        plan, data = self._plan, self._plan.config.data
        if plan.threads is None:
            return contextlib.nullcontext()
        at_once = len(self._positions) // plan.config.accumulate
        positions = at_once * data.crop_height * data.crop_width
        return plan.threads.step(products=average_products(self._trainable.generators().values(), positions))

    def _open_batches(self) -> contextlib.AbstractContextManager[Iterator[Batch]]:
        plan = self._plan
        return open_batches(
            plan.folders,
            plan.config.data,
            seed=self._seed,
            batch_size=plan.config.images_per_step,
            positions=self._positions,
            start_step=self.step,
            pin_memory=plan.device.type == "cuda",
        )

    def _next_batch(self, batches: Iterator[Batch]) -> Batch:
        """The next batch. If no images can be loaded any more, save what is trained before the error is raised."""
        try:
            return next(batches)
        except ImgxlateError:
            if self.step > self._saved_step:
                self._save()
            raise

    def _context(self) -> StepContext:
        noise = seeding.make_noise(self._seed, self.step, self._positions, self._plan.device)
        random = seeding.make_random(self._seed, self.step)
        warming_up = self._origin is not None and self.step < self._origin["warm_up"]
        return StepContext(self.step, noise, random, self._world, warming_up)

    @property
    def _seed(self) -> int:
        seed = self._plan.config.seed
        return seeding.derived(seed, self._attempt) if self._attempt else seed

    def _share(
        self, losses: Mapping[str, Tensor], exit_code: int, rejected: Sequence[Rejected]
    ) -> tuple[dict[str, float], int, Sequence[Rejected]]:
        """The mean losses, an exit code that any process has, and the rejected files of all processes.

        Losses and flags take one exchange. The files take a second one, if there are any.
        """
        flags = [float(exit_code == code) for code in (INTERRUPTED, TERMINATED)] + [float(bool(rejected))]
        values = torch.stack([loss.detach() for loss in losses.values()])
        together = torch.cat([values, values.new_tensor(flags)])
        self._world.average([together])
        *means, interrupted, terminated, any_rejected = together.tolist()
        if any_rejected:
            rejected = list(itertools.chain.from_iterable(self._world.gather_objects(rejected)))
        exit_code = INTERRUPTED if interrupted else TERMINATED if terminated else 0
        return dict(zip(losses, means, strict=True)), exit_code, rejected

    def _require_finite(self, losses: Mapping[str, float], batch: Batch) -> None:
        if not is_finite(losses):
            files = self._world.gather_objects((batch.files_a, batch.files_b))
            raise divergence(losses, self.step + 1, files)

    def _is_checkpoint_due(self) -> bool:
        config = self._plan.config
        is_last = self.step == config.iterations
        return self.step % config.checkpoint_every == 0 or is_last or evaluations.is_due(self.step, config)

    def _save(self) -> Path | None:
        self._rollbacks = 0
        self._saved_step = self.step
        return self._writer.save(self.step, self._attempt) if self._writer else None

    def _roll_back(self, error: DivergedError) -> None:
        """Return to the last checkpoint, or to the beginning, and draw other images and noise from there on."""
        self._rollbacks += 1
        if self._plan.on_nan == "stop" or self._rollbacks > _MAX_ROLLBACKS:
            raise error
        attempt = self._attempt + 1
        self.build(self._plan.run.latest(self._plan.notify))
        self._attempt = attempt
        self._plan.notify(f"{error}; continuing from step {self.step} with other images")


def own_positions(config: TrainingConfig) -> range:
    """The positions of this process's images among all images of a step.

    Raises:
        UsageError: the processes cannot share a batch evenly.
    """
    part = find_rank().positions(config.batch_size)
    return range(part.start * config.accumulate, part.stop * config.accumulate)
