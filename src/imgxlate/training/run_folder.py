"""The folder of a run: the names of its files, its checkpoints, and its lock.

    config.toml                             the full configuration
    history.jsonl                           the losses of every step
    losses.png                              the losses as curves
    quality.jsonl, quality.png              the evaluations of the model, and their numbers as curves
    split.json                              the test images
    samples/step-00001000.png, latest.png   translations of the test images
    checkpoints/step-00001000.safetensors   everything that training needs to continue
    model.safetensors                       the generators
    best.safetensors                        those of the best evaluation, for `imgxlate translate --checkpoint RUN`
    tensorboard/                            event files, with --tensorboard

The step in a file name is the number of steps done.
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
from imgxlate.checkpoint import TRAINING, Checkpoint
from imgxlate.errors import CheckpointError, OutputError, disk_hint, unreadable
from imgxlate.paths import RUN_BEST, RUN_MODEL

_LOCK = ".lock"
_CHECKPOINT = re.compile(r"step-(\d{8,})\.safetensors")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of a run. Folders are created when the first file is written to them."""

    path: Path

    @property
    def config(self) -> Path:
        """The full configuration, as TOML."""
        return self.path / "config.toml"

    @property
    def history(self) -> Path:
        """The losses of every step."""
        return self.path / "history.jsonl"

    @property
    def losses(self) -> Path:
        """The image of the loss curves."""
        return self.path / "losses.png"

    @property
    def quality(self) -> Path:
        """The evaluations of the model."""
        return self.path / "quality.jsonl"

    @property
    def quality_curves(self) -> Path:
        """The image of the curves of the evaluations."""
        return self.path / "quality.png"

    @property
    def split(self) -> Path:
        """The list of the test images."""
        return self.path / "split.json"

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
    def best(self) -> Path:
        """The generators of the best evaluation."""
        return self.path / RUN_BEST

    @property
    def tensorboard(self) -> Path:
        """The folder of the event files for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def latest_sample(self) -> Path:
        """The newest sample."""
        return self.samples / "latest.png"

    def sample_at(self, step: int) -> Path:
        """The path of the sample after `step` steps."""
        return self.samples / f"step-{step:08d}.png"

    def checkpoint_at(self, step: int) -> Path:
        """The path of the checkpoint after `step` steps."""
        return self.checkpoints / f"step-{step:08d}.safetensors"

    def steps(self) -> tuple[int, ...]:
        """The steps of all checkpoints, intact or damaged, in ascending order.

        Raises:
            CheckpointError: the folder cannot be read.
        """
        names = (path.name for path in _files(self.checkpoints))
        return tuple(sorted(int(match[1]) for name in names if (match := _CHECKPOINT.fullmatch(name))))

    def has_checkpoints(self) -> bool:
        """Whether there are checkpoints, intact or damaged.

        Raises:
            CheckpointError: the folder cannot be read.
        """
        return bool(self.steps())

    def models(self) -> tuple[Path, ...]:
        """The files of trained models: the last one, and the best one."""
        return tuple(path for path in (self.model, self.best) if path.exists())

    def require_free(self) -> None:
        """Check that the folder holds no run. A run that was stopped before its first step does not count.

        Raises:
            OutputError: it holds one.
        """
        has_steps = self.history.exists() and self.history.stat().st_size > 0
        if has_steps or self.has_checkpoints() or self.models():
            raise OutputError(
                f"{self.path}: already holds a run",
                hint="Continue it with --resume, replace it with --overwrite, or give another --out.",
            )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Lock the folder, so that no other process trains in it. File systems without locks are not protected.

        Raises:
            OutputError: another process trains in the folder, or the folder cannot be created.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path}: is not a folder", hint="Give another --out.")
        created = not self.path.exists()
        try:
            atomic.make_folder(self.path)
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot be created: {error.strerror or error}", hint=disk_hint(error)
            ) from error
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise OutputError(
                f"{self.path}: another process is training in this folder", hint="Wait for it, or give another --out."
            ) from error
        except (OSError, NotImplementedError):  # A file system without locks.
            pass
        try:
            yield
        finally:
            lock.release()
            with contextlib.suppress(OSError):  # For example, the folder was removed meanwhile.
                if created and [path.name for path in self.path.iterdir()] == [_LOCK]:  # The run did not start.
                    (self.path / _LOCK).unlink()
                    self.path.rmdir()

    def clear(self) -> None:
        """Remove the files of the run. Other files stay.

        Raises:
            OutputError: a file cannot be removed.
            CheckpointError: a folder cannot be read.
        """
        self.sweep()
        curves = (self.losses, self.quality_curves)
        models = (self.model, self.best)
        for path in (self.config, self.history, self.quality, self.split, *curves, *models, self.latest_sample):
            _remove(path)
        for step in self.steps():
            _remove(self.checkpoint_at(step))
        for folder, pattern in ((self.samples, "step-*.png"), (self.tensorboard, "events.out.tfevents.*")):
            for path in _files(folder):
                if path.match(pattern):
                    _remove(path)
        for folder in (self.samples, self.checkpoints, self.tensorboard):
            with contextlib.suppress(OSError):  # It holds other files, or does not exist.
                folder.rmdir()

    def write_config(self, text: str) -> None:
        """Write the configuration.

        Raises:
            OutputError: the file cannot be written.
        """
        atomic.write_bytes(self.config, text.encode())

    def save(self, step: int, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Path:
        """Write the checkpoint after `step` steps, whole or not at all. Adds `kind` and `step` to the header.

        Raises:
            OutputError: the file cannot be written, for example because the disk is full.
        """
        path = self.checkpoint_at(step)
        checkpoint.write(path, tensors, {**header, "kind": TRAINING, "step": step})
        return path

    def latest(self, notify: Notify = ignore) -> Checkpoint | None:
        """The newest checkpoint that passes its checksum, or None if there are no checkpoints.

        `notify` is called for each damaged one that is skipped.

        Raises:
            CheckpointError: a file cannot be opened or read, which may be temporary; or all are damaged.
        """
        for step in reversed(self.steps()):
            try:
                return checkpoint.read(self.checkpoint_at(step))
            except CheckpointError as error:
                if isinstance(error.__cause__, OSError):
                    raise
                notify(f"skipped: {error}")
        if self.steps():
            raise CheckpointError(
                f"{self.checkpoints}: all checkpoints are damaged",
                hint="Restore one from a backup, or start again with --overwrite or another --out.",
            )
        return None

    def prune(self, keep: int, saved: int) -> None:
        """Keep the `keep` newest checkpoints up to step `saved`, which was just written, and remove older ones.

        Later checkpoints stay: they were skipped as damaged, and training will replace them.

        Raises:
            OutputError: a file cannot be removed.
        """
        older = [step for step in self.steps() if step < saved]
        for step in older[: max(0, len(older) + 1 - keep)]:
            _remove(self.checkpoint_at(step))

    def remove_best(self) -> None:
        """Remove the best model.

        Raises:
            OutputError: the file cannot be removed.
        """
        _remove(self.best)

    def sweep(self) -> None:
        """Remove the temporary files of interrupted writes. Only safe while no process writes to the folder.

        Raises:
            OutputError: a file cannot be removed.
        """
        for folder in (self.path, self.samples, self.checkpoints):
            for path in atomic.leftovers(folder):
                _remove(path)


def _files(folder: Path) -> list[Path]:
    """What a folder holds; nothing if it does not exist. An error must not pass for an empty folder: a run may be lost.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be removed: {error.strerror or error}", hint=disk_hint(error)) from error
