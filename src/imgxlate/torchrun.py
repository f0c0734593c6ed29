"""Which of the processes that `torchrun` starts together this one is. Imports no torch."""

import os
from dataclasses import dataclass

from imgxlate.errors import UsageError


@dataclass(frozen=True, slots=True)
class Place:
    """A process among those that were started together; one alone where there is no other."""

    rank: int = 0  # which it is of all
    size: int = 1  # how many there are, on all machines
    local_rank: int = 0  # which it is of those on its machine

    @property
    def share(self) -> slice:
        """Of a list that all processes have, the part that is this one's."""
        return slice(self.rank, None, self.size)

    def positions(self, batch_size: int) -> range:
        """The positions of a batch, over all processes, that are this one's.

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


def find_place() -> Place:
    """The place that the variables RANK, WORLD_SIZE and LOCAL_RANK say, as torchrun sets them.

    Raises:
        UsageError: one of them is no number, or they contradict each other.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    values = [os.environ.get(name, default) for name, default in zip(names, ("0", "1", "0"), strict=True)]
    try:
        place = Place(*map(int, values))
    except ValueError:
        place = Place(-1)
    if not (0 <= place.rank < place.size and place.local_rank >= 0):
        said = ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
        raise UsageError(f"the environment says {said}, which is no place among processes", hint="Start with torchrun.")
    return place
