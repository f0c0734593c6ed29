"""Several processes that train one model: who they are, and what they tell each other."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, distributed

from imgxlate.errors import DeviceError, UsageError
from imgxlate.torchrun import find_rank


class World:
    """The processes that were started together; one alone where there is no other. Implements `ProcessGroup`."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Put the mean over all processes in place of each tensor; all are of one dtype.

        Raises:
            DeviceError: another process was lost.
        """
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _losses_explained():
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
        with _losses_explained():
            distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    def collect(self, value: Any) -> list[Any]:
        """The plain values of all processes, in the order of their ranks.

        Raises:
            DeviceError: another process was lost.
        """
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        with _losses_explained():
            distributed.all_gather_object(values, value)
        return values


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the processes that `torchrun` started with this one; gloo between CPUs, NCCL between GPUs.

    Raises:
        UsageError: the environment does not say where the others are.
        DeviceError: the others cannot be reached, or one was lost.
    """
    place = find_rank()
    if place.size == 1:
        yield World(0, 1)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        with _losses_explained():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except ValueError as error:  # It is not said where the others are.
        raise UsageError(f"cannot join {place.size} processes: {error}", hint="Start with torchrun.") from error
    yield World(place.rank, place.size)
    # Not after an error: the others may be waiting for this process, and it for them, before the error is told.
    distributed.destroy_process_group()


@contextlib.contextmanager
def _losses_explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise DeviceError(
            f"another process of the run was lost: {' '.join(str(error).split())[:200]}",
            hint="See what it said. The last checkpoint is whole: start again with --resume.",
        ) from error
