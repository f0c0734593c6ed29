"""Maps too large for memory: kept by bands of rows, in memory as far as a budget allows, else in a scratch file."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Protocol

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


Block = Tensor | int
"""Bytes in memory, or the place in a scratch file where a block begins."""


class BlockPool:
    """Blocks of one size that hold the rows of maps: in memory as far as a budget allows, else in a scratch file.

    A block that a map frees serves the next one. Freed memory of other sizes would leave gaps that no later map fits
    into. The system keeps a scratch file that is written again and again in its own memory, as far as that is free. The
    file has no name, so that it is removed in any case when the process ends.
    """

    def __init__(self, budget: int, longest_row: int, device: torch.device) -> None:
        """`budget` in bytes; `longest_row` is the memory of a row of the widest map."""
        self.device = device
        self.block_bytes = max(budget // _BLOCKS, longest_row)
        self.memory_blocks = budget // self.block_bytes
        self._left = self.memory_blocks  # blocks of memory that are not yet allocated
        self._free: list[Tensor] = []
        self._free_in_file: list[int] = []
        self._file: BufferedRandom | None = None
        self._file_bytes = 0

    def blocks(self, shape: Shape) -> int:
        """The number of blocks that a map of that shape takes."""
        return -(-shape.height // (self.block_bytes // shape.row_bytes))

    def take(self, *, in_memory: bool = True) -> Block:
        """A block of `block_bytes` bytes without values: in the file, if all memory is in use or has run out."""
        if in_memory and self._free:
            return self._free.pop()
        block = self._allocate() if in_memory else None
        if block is not None:
            return block
        if self._free_in_file:
            return self._free_in_file.pop()
        self._file_bytes += self.block_bytes
        return self._file_bytes - self.block_bytes

    def give_back(self, block: Block) -> None:
        """Let other maps use a block."""
        if isinstance(block, int):
            self._free_in_file.append(block)
        else:
            self._free.append(block)

    def write(self, block: Block, start: int, values: Tensor) -> None:
        """Write float32 values at byte `start` of a block.

        Raises:
            DeviceError: the scratch file cannot be written.
        """
        if isinstance(block, int):
            with _scratch_errors():
                self._seek(block, start).write(values.to("cpu", torch.float32).contiguous().numpy().data)
        else:
            self._values(block, start, values.shape).copy_(values)

    def read(self, block: Block, start: int, values: Tensor) -> None:
        """Fill `values`, which are contiguous, from byte `start` of a block.

        Raises:
            DeviceError: the scratch file cannot be read.
        """
        if isinstance(block, int):
            target = values.cpu()  # `values` itself, if they are on the CPU
            with _scratch_errors():
                self._seek(block, start).readinto(target.numpy().data)
            if target is not values:
                values.copy_(target)
        else:
            values.copy_(self._values(block, start, values.shape))

    def close(self) -> None:
        """Remove the scratch file, and free the memory."""
        self._free.clear()
        if self._file:
            with contextlib.suppress(OSError):  # It writes what it has buffered, which a full disk refuses again.
                self._file.close()

    def _allocate(self) -> Tensor | None:
        """A new block of memory, or None if the budget is used up or memory has run out."""
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

    def _values(self, block: Tensor, start: int, shape: torch.Size) -> Tensor:
        return block[start : start + 4 * shape.numel()].view(torch.float32).view(shape)

    def _seek(self, block: int, start: int) -> BufferedRandom:
        """The scratch file at byte `start` of a block."""
        if self._file is None:
            # `close` closes it.
            self._file = tempfile.TemporaryFile(dir=scratch_folder())  # noqa: SIM115
        self._file.seek(block + start)
        return self._file


class Map:
    """A map (1, C, H, W) in float32, written by bands from top to bottom."""

    def __init__(self, shape: Shape, pool: BlockPool, beside: Shape | None = None) -> None:
        """`beside` is a map that needs the memory more: this one takes only what it leaves."""
        self.shape = shape
        self._pool = pool
        self._most_in_memory = pool.memory_blocks - (pool.blocks(beside) if beside else 0)
        self._block_rows = pool.block_bytes // shape.row_bytes
        self._blocks: list[Block | None] = []  # for each block of rows; None: it was freed
        self._written = 0  # rows

    def append(self, values: Tensor) -> None:
        """Write the next rows (1, C, H, W).

        Raises:
            DeviceError: the scratch file cannot be written.
        """
        top = self._written
        self._written += values.shape[2]
        for rows, index, start in self._split(Rows(top, self._written)):
            if start == 0:
                self._blocks.append(self._pool.take(in_memory=len(self._blocks) < self._most_in_memory))
            part = values[0, :, rows.top - top : rows.bottom - top].permute(1, 2, 0)
            self._pool.write(self._block(index), start, part)

    def read(self, rows: Rows) -> Tensor:
        """These rows (1, C, H, W), in memory of their own.

        Raises:
            DeviceError: the scratch file cannot be read.
        """
        size = (len(rows), self.shape.width, self.shape.channels)
        values = torch.empty(size, dtype=torch.float32, device=self._pool.device)
        for part, index, start in self._split(rows):
            self._pool.read(self._block(index), start, values[part.top - rows.top : part.bottom - rows.top])
        return values.permute(2, 0, 1)[None]

    def drop(self, top: int) -> None:
        """Free the blocks of the rows above row `top`, which are not read again."""
        for index, block in enumerate(self._blocks[: top // self._block_rows]):
            if block is not None:
                self._pool.give_back(block)
                self._blocks[index] = None

    def close(self) -> None:
        """Free all blocks."""
        self.drop(len(self._blocks) * self._block_rows)

    def _block(self, index: int) -> Block:
        block = self._blocks[index]
        if block is None:
            raise ValueError("these rows were freed")
        return block

    def _split(self, rows: Rows) -> Iterator[tuple[Rows, int, int]]:
        """The parts of `rows` that lie in one block each, the block's index, and the byte at which they begin."""
        top = rows.top
        while top < rows.bottom:
            index, first = divmod(top, self._block_rows)
            bottom = min((index + 1) * self._block_rows, rows.bottom)
            yield Rows(top, bottom), index, first * self.shape.row_bytes
            top = bottom


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
