"""The losses, evaluations and samples of a run for TensorBoard, an optional extra."""

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from imgxlate.errors import OutputError, UsageError
from imgxlate.images.image_array import ImageArray


def require_tensorboard() -> None:
    """Check that TensorBoard is installed.

    Raises:
        UsageError: it is not.
    """
    try:
        importlib.import_module("torch.utils.tensorboard")
    except ImportError as error:
        raise UsageError(
            "--tensorboard needs TensorBoard", hint='Type `pip install "imgxlate[tensorboard]"`.'
        ) from error


class Board:
    """Writes the event files that TensorBoard reads."""

    def __init__(self, folder: Path, step: int) -> None:
        """Write to `folder`. TensorBoard then hides the events of steps after `step` that the folder already holds.

        Raises:
            OutputError: the folder cannot be written.
        """
        from torch.utils.tensorboard import SummaryWriter  # Imported late: it is an extra.

        self._folder = folder
        with _as_output_error(folder):
            self._writer = SummaryWriter(folder, purge_step=step + 1)

    def add_numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add the losses of a step, or the numbers of an evaluation.

        Raises:
            OutputError: they cannot be written.
        """
        with _as_output_error(self._folder):
            for name, value in numbers.items():
                self._writer.add_scalar(name, value, step)

    def add_samples(self, step: int, sheet: ImageArray) -> None:
        """Add the samples of a step.

        Raises:
            OutputError: they cannot be written.
        """
        with _as_output_error(self._folder):
            self._writer.add_image("samples", sheet.rgb, step, dataformats="HWC")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # The error that ended the run matters more.
            self._writer.close()


@contextlib.contextmanager
def _as_output_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error
