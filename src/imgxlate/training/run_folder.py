"""The folder of a run: the one place that knows what lies where in it.

    config.toml                             the configuration in full
    history.jsonl                           every loss of every step
    losses.png                              the same as curves
    samples/step-00001000.png, latest.png   what the model made of the test pictures
    checkpoints/step-00001000.safetensors   all that training needs to go on
    model.safetensors                       the generators, for `imgxlate translate --checkpoint RUN`
    tensorboard/                            the same for TensorBoard, where that was asked for

A file's step is the number of steps that were done.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import Tensor

from imgxlate import atomic, checkpoint
from imgxlate.callbacks import Notify, ignore
from imgxlate.checkpoint import RUN_MODEL, TRAINING, Checkpoint
from imgxlate.errors import CheckpointError, OutputError

_LOCK = ".lock"
_CHECKPOINT = re.compile(r"step-(\d{8,})\.safetensors")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of a run. Folders are made when something is written to them."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration in full, as TOML."""
        return self.path / "config.toml"

    @property
    def history(self) -> Path:
        """The losses of every step."""
        return self.path / "history.jsonl"

    @property
    def losses(self) -> Path:
        """The picture of the losses."""
        return self.path / "losses.png"

    @property
    def samples(self) -> Path:
        """The folder of the samples."""
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The generators."""
        return self.path / RUN_MODEL

    @property
    def tensorboard(self) -> Path:
        """The folder of what TensorBoard reads."""
        return self.path / "tensorboard"

    @property
    def latest_sample(self) -> Path:
        """The sample of the last step that has one."""
        return self.samples / "latest.png"

    def sample_at(self, step: int) -> Path:
        """Where the sample after `step` steps lies."""
        return self.samples / f"step-{step:08d}.png"

    def checkpoint_at(self, step: int) -> Path:
        """Where the checkpoint after `step` steps lies."""
        return self.checkpoints / f"step-{step:08d}.safetensors"

    def steps(self) -> tuple[int, ...]:
        """The steps that there are checkpoints of, whole or not, in ascending order."""
        names = (path.name for path in self.checkpoints.glob("step-*.safetensors"))
        return tuple(sorted(int(match[1]) for name in names if (match := _CHECKPOINT.fullmatch(name))))

    def has_checkpoints(self) -> bool:
        """Whether there is anything to resume from, whole or not."""
        return bool(self.steps())

    def require_free(self) -> None:
        """Check that no run is in the folder; one that did not get to its first step is none.

        Raises:
            OutputError: one is.
        """
        begun = self.history.exists() and self.history.stat().st_size > 0
        if begun or self.has_checkpoints() or self.model.exists():
            raise OutputError(
                f"{self.path}: holds a run already",
                hint="Go on with it by --resume, replace it by --overwrite, or give another --out.",
            )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other processes from training in the folder, where the file system has locks.

        Raises:
            OutputError: another process is, or the folder is none and cannot be made.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path}: is no folder", hint="Give another --out.")
        made = not self.path.exists()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be made: {error.strerror or error}") from error
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise OutputError(
                f"{self.path}: another process is training there", hint="Wait for it, or give another --out."
            ) from error
        except (OSError, NotImplementedError):  # A file system without locks.
            pass
        try:
            yield
        finally:
            lock.release()
            with contextlib.suppress(OSError):  # Someone has removed the folder meanwhile, say.
                if made and [path.name for path in self.path.iterdir()] == [_LOCK]:  # The run could not begin.
                    (self.path / _LOCK).unlink()
                    self.path.rmdir()

    def clear(self) -> None:
        """Remove the run. What is no file of a run stays.

        Raises:
            OutputError: something cannot be removed.
        """
        self.sweep()
        for path in (self.config, self.history, self.losses, self.model, self.latest_sample):
            _remove(path)
        for step in self.steps():
            _remove(self.checkpoint_at(step))
        for path in (*self.samples.glob("step-*.png"), *self.tensorboard.glob("events.out.tfevents.*")):
            _remove(path)
        for folder in (self.samples, self.checkpoints, self.tensorboard):
            with contextlib.suppress(OSError):  # It holds something else, or there is none.
                folder.rmdir()

    def write_config(self, text: str) -> None:
        """Write the configuration.

        Raises:
            OutputError: it cannot be written.
        """
        atomic.write_bytes(self.config, text.encode())

    def save(self, step: int, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Path:
        """Write the checkpoint after `step` steps, whole or not at all; older ones stay as they are.

        The header gets the keys `kind` and `step`.

        Raises:
            OutputError: it cannot be written, because the disk is full, say.
        """
        path = self.checkpoint_at(step)
        checkpoint.write(path, tensors, {**header, "kind": TRAINING, "step": step})
        return path

    def latest(self, notify: Notify = ignore) -> Checkpoint | None:
        """The newest checkpoint that reads whole, its checksum computed; None where there is none at all.

        `notify` is told of each newer one that is damaged, and how.

        Raises:
            CheckpointError: a file cannot be opened or read, which may pass; or all are damaged.
        """
        for step in reversed(self.steps()):
            try:
                return checkpoint.read(self.checkpoint_at(step))
            except CheckpointError as error:
                if isinstance(error.__cause__, OSError):
                    raise
                notify(f"passed over: {error}")
        if self.steps():
            raise CheckpointError(
                f"{self.checkpoints}: all checkpoints are damaged",
                hint="Bring one back from a copy; or begin again with --overwrite, or with another --out.",
            )
        return None

    def prune(self, keep: int, whole: int) -> None:
        """Remove all but the `keep` newest of the checkpoints up to step `whole`, the one that was just written.

        That one stays. So do later ones: they were passed over as damaged, and training will write them again.

        Raises:
            OutputError: one cannot be removed.
        """
        older = [step for step in self.steps() if step < whole]
        for step in older[: max(0, len(older) + 1 - keep)]:
            _remove(self.checkpoint_at(step))

    def sweep(self) -> None:
        """Remove what interrupted writes left. For who alone writes to the folder, before anything is written.

        Raises:
            OutputError: something cannot be removed.
        """
        for folder in (self.path, self.samples, self.checkpoints):
            for path in atomic.leftovers(folder):
                _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be removed: {error.strerror or error}") from error
