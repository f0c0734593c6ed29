"""The losses and samples of a run for TensorBoard, which is an extra."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from imgxlate.errors import UsageError
from imgxlate.images.picture import Picture


class Board:
    """What TensorBoard reads of a run, in the making."""

    def __init__(self, folder: Path, step: int) -> None:
        """Write to `folder`; what an earlier part of the run wrote of steps after `step` is no longer shown.

        Raises:
            UsageError: TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError(
                "--tensorboard needs TensorBoard", hint="Type `pip install 'imgxlate[tensorboard]'`."
            ) from error
        self._writer = SummaryWriter(folder, purge_step=step + 1)

    def losses(self, step: int, losses: Mapping[str, float]) -> None:
        """Add the losses of a step."""
        for name, value in losses.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, sheet: Picture) -> None:
        """Add a sample."""
        self._writer.add_image("samples", sheet.rgb, step, dataformats="HWC")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
