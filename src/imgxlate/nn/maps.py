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

from imgxlate.errors import DeviceError, is_out_of_memory
from imgxlate.nn.bands import Rows

_BLOCKS = 64  # of a budget


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
    """The memory that maps may take together, in blocks of one size. A block that a map frees serves the next one.

    Freed memory of other sizes would leave gaps that no later map fits into.
    """

    def __init__(self, limit: int, longest_row: int, device: torch.device) -> None:
        """`limit` in bytes; `longest_row` is the memory of a row of the widest map."""
        self.device = device
        self.block_bytes = max(limit // _BLOCKS, longest_row)
        self._left = limit // self.block_bytes  # blocks that are not yet allocated
        self._free: list[Tensor] = []

    def take(self) -> Tensor | None:
        """A block of `block_bytes` uninitialized bytes, or None if all are in use or memory has run out."""
        if self._free:
            return self._free.pop()
        if not self._left:
            return None
        try:
            block = torch.empty(self.block_bytes, dtype=torch.uint8, device=self.device)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            self._left = 0
            return None
        self._left -= 1
        return block

    def give_back(self, block: Tensor) -> None:
        """Let other maps use a block."""
        self._free.append(block)


class Map:
    """A map (1, C, H, W) in float32, written by bands from top to bottom.

    Rows beyond the budget go to a scratch file. It has no name, so that the system removes it in any case when the
    process ends.
    """

    def __init__(self, shape: Shape, budget: Budget) -> None:
        self.shape = shape
        self._budget = budget
        self._block_rows = budget.block_bytes // shape.row_bytes
        self._blocks: list[Tensor | None] = []  # for each block of rows; None: in the file, or freed
        self._written = 0  # rows
        self._file: BufferedRandom | None = None

    def append(self, values: Tensor) -> None:
        """Write the next rows (1, C, H, W).

        Raises:
            DeviceError: the scratch file cannot be written.
        """
        top = self._written
        self._written += values.shape[2]
        for rows in self._split(Rows(top, self._written)):
            if rows.top % self._block_rows == 0:
                self._blocks.append(self._budget.take())
            part = values[0, :, rows.top - top : rows.bottom - top].permute(1, 2, 0)
            block = self._block(rows)
            if block is None:
                self._write(rows, part)
            else:
                block.copy_(part)

    def read(self, rows: Rows) -> Tensor:
        """These rows (1, C, H, W), in memory of their own."""
        size = (len(rows), self.shape.width, self.shape.channels)
        values = torch.empty(size, dtype=torch.float32, device=self._budget.device)
        for part in self._split(rows):
            block = self._block(part)
            values[part.top - rows.top : part.bottom - rows.top] = self._read(part) if block is None else block
        return values.permute(2, 0, 1)[None]

    def drop(self, top: int) -> None:
        """Free the memory of the rows above row `top`, which are not read again."""
        for index, block in enumerate(self._blocks[: top // self._block_rows]):
            if block is not None:
                self._budget.give_back(block)
                self._blocks[index] = None

    def close(self) -> None:
        """Free the memory, and remove the scratch file."""
        self.drop(len(self._blocks) * self._block_rows)
        if self._file:
            with contextlib.suppress(OSError):  # It writes what it has buffered, which a full disk refuses again.
                self._file.close()

    def _block(self, rows: Rows) -> Tensor | None:
        """The memory (h, W, C) of `rows`, which lie in one block; None: they are in the file."""
        index, first = divmod(rows.top, self._block_rows)
        block = self._blocks[index]
        if block is None:
            return None
        start = first * self.shape.row_bytes
        values = block[start : start + len(rows) * self.shape.row_bytes].view(torch.float32)
        return values.view(len(rows), self.shape.width, self.shape.channels)

    def _split(self, rows: Rows) -> Iterator[Rows]:
        """The parts of `rows` that lie in one block each."""
        top = rows.top
        while top < rows.bottom:
            bottom = min((top // self._block_rows + 1) * self._block_rows, rows.bottom)
            yield Rows(top, bottom)
            top = bottom

    def _write(self, rows: Rows, values: Tensor) -> None:
        with _scratch_errors():
            if self._file is None:
                # `close` closes it.
                self._file = tempfile.TemporaryFile(dir=scratch_folder())  # noqa: SIM115
            self._file.seek(rows.top * self.shape.row_bytes)
            self._file.write(values.to("cpu", torch.float32).contiguous().numpy().data)

    def _read(self, rows: Rows) -> Tensor:
        values = np.empty((len(rows), self.shape.width, self.shape.channels), np.float32)
        file = cast(BufferedRandom, self._file)
        with _scratch_errors():
            file.seek(rows.top * self.shape.row_bytes)
            file.readinto(values.data)
        return torch.from_numpy(values)


def scratch_folder() -> Path:
    """The folder of scratch files: $TMPDIR, or one on a disk, because /tmp may be in memory."""
    on_disk = Path("/var/tmp")  # noqa: S108 - the file has no name
    return on_disk if "TMPDIR" not in os.environ and os.access(on_disk, os.W_OK) else Path(tempfile.gettempdir())


@contextlib.contextmanager
def _scratch_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeviceError(
            f"the scratch file in {scratch_folder()} cannot be written: {error.strerror or error}",
            hint="Set TMPDIR to a folder with more space, or allow more memory.",
        ) from error
