"""The losses and samples of a run for TensorBoard, which is an extra."""

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
            "--tensorboard needs TensorBoard", hint="Type `pip install 'imgxlate[tensorboard]'`."
        ) from error


class Board:
    """What TensorBoard reads of a run, in the making."""

    def __init__(self, folder: Path, step: int) -> None:
        """Write to `folder`; what an earlier part of the run wrote of steps after `step` is no longer shown.

        Raises:
            UsageError: TensorBoard is not installed.
            OutputError: the folder cannot be written.
        """
        require_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        with _written(folder):
            self._writer = SummaryWriter(folder, purge_step=step + 1)

    def losses(self, step: int, losses: Mapping[str, float]) -> None:
        """Add the losses of a step.

        Raises:
            OutputError: they cannot be written.
        """
        with _written(self._folder):
            for name, value in losses.items():
                self._writer.add_scalar(name, value, step)

    def picture(self, step: int, sheet: ImageArray) -> None:
        """Add a sample.

        Raises:
            OutputError: it cannot be written.
        """
        with _written(self._folder):
            self._writer.add_image("samples", sheet.rgb, step, dataformats="HWC")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # What ended the run is told, not what follows from it.
            self._writer.close()


@contextlib.contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error
