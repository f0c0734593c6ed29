"""Maps too large for memory: kept by bands of rows, in memory as far as a budget allows, else in a scratch file."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor

from imgxlate.errors import DeviceError
from imgxlate.nn.bands import Rows


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a map."""

    channels: int
    height: int
    width: int

    @property
    def row_bytes(self) -> int:
        """The memory of a row in float32."""
        return 4 * self.channels * self.width

    @property
    def bytes(self) -> int:
        """The memory of the map in float32."""
        return self.row_bytes * self.height


class RowSource(Protocol):
    """A map whose rows are computed, read or converted when they are needed."""

    shape: Shape

    def read(self, rows: Rows) -> Tensor:
        """These rows (1, C, H, W), in memory of their own."""


class Budget:
    """The memory that maps may take together, in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int) -> bool:
        """Take `size` bytes, if they are free."""
        fits = self.used + size <= self.limit
        self.used += size if fits else 0
        return fits


class Map:
    """A map (1, C, H, W) in float32, written by bands from top to bottom.

    Bands beyond the budget go to a scratch file. It has no name, so that the system removes it in any case when the
    process ends.
    """

    def __init__(self, shape: Shape, device: torch.device, budget: Budget) -> None:
        self.shape = shape
        self._device = device
        self._budget = budget
        self._bands: list[tuple[Rows, Tensor | None]] = []  # None: in the file
        self._file: BufferedRandom | None = None

    def append(self, values: Tensor) -> None:
        """Write the next rows (1, C, H, W). The map keeps the tensor.

        Raises:
            DeviceError: the scratch file cannot be written.
        """
        top = self._bands[-1][0].bottom if self._bands else 0
        rows = Rows(top, top + values.shape[2])
        if self._budget.take(_stored(values)):
            self._bands.append((rows, values))
        else:
            self._write(rows, values)
            self._bands.append((rows, None))

    def read(self, rows: Rows) -> Tensor:
        """These rows (1, C, H, W), in memory of their own."""
        parts = []
        for band, values in self._bands:
            part = Rows(max(band.top, rows.top), min(band.bottom, rows.bottom))
            if part.top < part.bottom:
                inside = slice(part.top - band.top, part.bottom - band.top)
                parts.append(self._read(part) if values is None else values[:, :, inside])
        return torch.cat(parts, 2)

    def drop(self, top: int) -> None:
        """Free the memory of the bands above row `top`, which are not read again."""
        for index, (rows, values) in enumerate(self._bands):
            if rows.bottom <= top and values is not None:
                self._budget.used -= _stored(values)
                self._bands[index] = rows, None

    def close(self) -> None:
        """Free the memory, and remove the scratch file."""
        self.drop(self.shape.height)
        if self._file:
            with contextlib.suppress(OSError):  # It writes what it has buffered, which a full disk refuses again.
                self._file.close()

    def _write(self, rows: Rows, values: Tensor) -> None:
        with _scratch_errors():
            if self._file is None:
                # `close` closes it.
                self._file = tempfile.TemporaryFile(dir=scratch_folder())  # noqa: SIM115
            self._file.seek(rows.top * self.shape.row_bytes)
            self._file.write(values[0].permute(1, 2, 0).contiguous().cpu().numpy().data)

    def _read(self, rows: Rows) -> Tensor:
        values = np.empty((len(rows), self.shape.width, self.shape.channels), np.float32)
        file = cast(BufferedRandom, self._file)
        with _scratch_errors():
            file.seek(rows.top * self.shape.row_bytes)
            file.readinto(values.data)
        return torch.from_numpy(values).permute(2, 0, 1)[None].to(self._device)


def scratch_folder() -> Path:
    """The folder of scratch files: $TMPDIR, or one on a disk, because /tmp may be in memory."""
    on_disk = Path("/var/tmp")  # noqa: S108 - the file has no name
    return on_disk if "TMPDIR" not in os.environ and os.access(on_disk, os.W_OK) else Path(tempfile.gettempdir())


def _stored(values: Tensor) -> int:
    """The bytes of memory that a tensor keeps."""
    return values.untyped_storage().nbytes()


@contextlib.contextmanager
def _scratch_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeviceError(
            f"the scratch file in {scratch_folder()} cannot be written: {error.strerror or error}",
            hint="Set TMPDIR to a folder with more space, or allow more memory.",
        ) from error
