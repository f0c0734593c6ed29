"""The rank of this process among those that `torchrun` started together. Imports no torch."""

import os
from dataclasses import dataclass

from imgxlate.errors import UsageError


@dataclass(frozen=True, slots=True)
class Rank:
    """One of `size` processes that work together; by default the only one."""

    rank: int = 0  # among all processes
    size: int = 1  # number of processes, on all machines
    local_rank: int = 0  # among the processes on this machine

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files that all processes share."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """The part of a list that this process works on: every `size`-th item."""
        return slice(self.rank, None, self.size)

    def positions(self, batch_size: int) -> range:
        """The positions in a batch over all processes that this process computes.

        Raises:
            UsageError: the batch cannot be split evenly.
        """
        if batch_size < self.size or batch_size % self.size:
            raise UsageError(
                f"a batch of {batch_size} cannot be split evenly over {self.size} processes",
                hint=f"Type `--batch-size {-(-batch_size // self.size) * self.size}`.",
            )
        part = batch_size // self.size
        return range(self.rank * part, (self.rank + 1) * part)


def find_rank() -> Rank:
    """The rank in the variables RANK, WORLD_SIZE and LOCAL_RANK, which torchrun sets.

    Raises:
        UsageError: a variable is not a number, they contradict each other, or WORLD_SIZE is set without RANK. Some
            containers set it alone. Dividing the work by it would leave most of it undone.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    given = {name: os.environ[name] for name in names if name in os.environ}
    try:
        rank, size, local_rank = (int(given.get(name, default)) for name, default in zip(names, "010", strict=True))
    except ValueError:
        rank, size, local_rank = -1, 0, 0
    if not (0 <= rank < size and local_rank >= 0) or (size > 1 and "RANK" not in given):
        listing = ", ".join(f"{name}={value}" for name, value in given.items())
        raise UsageError(
            f"the environment has {listing}, which is not the rank of a process",
            hint=f"Start with torchrun, or type `unset {' '.join(given)}` to run one process.",
        )
    return Rank(rank, size, local_rank)
