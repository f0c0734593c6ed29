"""Several processes that train one model, started by torchrun, and their exchange of tensors."""

import atexit
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, distributed

from imgxlate.errors import DeviceError, UsageError
from imgxlate.torchrun import find_rank


class World:
    """All processes of a run, or this one alone. Implements `ProcessGroup`."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files and the messages."""
        return self.rank == 0

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over all processes. All tensors have one dtype.

        Raises:
            DeviceError: another process was lost.
        """
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _as_device_error():
            distributed.all_reduce(flat)
        parts = torch.split(flat / self.size, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors (B, ...) of all processes as one (size B, ...), in the order of their ranks.

        Raises:
            DeviceError: another process was lost.
        """
        if self.size == 1:
            return tensor
        parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(self.size)]
        with _as_device_error():
            distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    def gather_objects(self, value: Any) -> list[Any]:
        """The values of all processes, in the order of their ranks. Each one waits for all others.

        Raises:
            DeviceError: another process was lost.
        """
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        with _as_device_error():
            distributed.all_gather_object(values, value)
        return values


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the processes that torchrun started, with gloo between CPUs and NCCL between GPUs.

    All processes leave the block together, so that each finds the files that the main one wrote. A process group of the
    program's own is used as it is.

    Raises:
        UsageError: the environment does not hold the address of the other processes.
        DeviceError: another process cannot be reached, or was lost.
    """
    rank = find_rank()
    if rank.size == 1:
        yield World(0, 1)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        try:
            with _as_device_error():
                distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        except ValueError as error:  # A variable such as MASTER_ADDR is missing.
            raise UsageError(f"cannot join {rank.size} processes: {error}", hint="Start with torchrun.") from error
        # The group lasts until the end: joining a second time, for another run, may fail.
        atexit.register(_leave)
    world = World(rank.rank, rank.size)
    try:
        yield world
        world.gather_objects(None)
    except BaseException:
        # Destroying the group may wait for the other processes, and delay the error's message.
        atexit.unregister(_leave)
        raise


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


@contextlib.contextmanager
def _as_device_error() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise DeviceError(
            f"another process of the run was lost: {' '.join(str(error).split())[:200]}",
            hint="Look for its error message. The last checkpoint is intact: continue with --resume.",
        ) from error
