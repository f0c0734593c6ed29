"""The threads that torch computes with: their number, and how they wait for each other.

On a machine where other programs compute, threads that wait for one another lose far more time than the other programs
take. `AdaptiveThreads` notices it, and lets the work go on in one thread while that is faster.

The results of different numbers of threads can differ in the last bits.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from imgxlate.errors import UsageError
from imgxlate.torchrun import find_rank

if TYPE_CHECKING:
    import torch
    from torch import Tensor

AUTO = "auto"
VARIABLE = "IMGXLATE_THREADS"
"""The environment variable with the number of threads of commands without `--threads`."""

_WAITING = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}
_SPINS = "10000"  # of GNU's OpenMP: some tenths of a millisecond, as long as most gaps between operations
_BLOCKTIME = "1"  # milliseconds, of LLVM's OpenMP

_LEAST_PRODUCTS = 3e6  # of a convolution on average; below, two threads are not faster than one
_BUSY = 0.7  # Threads that get less than this part of their processors' time share them with other programs.
_SUSPICIONS = 3  # busy steps in a row, before one thread is tried
_GAIN = 1.2  # One thread is kept if it is faster by this factor.
_FIRST_REST, _LONGEST_REST = 16, 512  # steps until the other number is tried again; doubled each time


def limit_waiting() -> None:
    """Set how threads wait, before torch is imported, unless the user has set it."""
    if _WAITING.isdisjoint(os.environ):
        os.environ |= {"GOMP_SPINCOUNT": _SPINS, "KMP_BLOCKTIME": _BLOCKTIME}


def parse(text: str) -> int | None:
    """A number of threads, or None for "auto".

    Raises:
        UsageError: `text` is neither.
    """
    if text == AUTO:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text) < 10_000:
        return int(text)
    raise UsageError(
        f"the number of threads must be {AUTO} or a number from 1 on, not {text!r}",
        hint="Type for example `--threads 2`; without the option, the variable IMGXLATE_THREADS counts.",
    )


def average_products(weights: "Iterable[Tensor]", positions: int) -> float | None:
    """About how many products a convolution takes, for an image of that many positions; None: there is no convolution.

    `weights` are those of the network; (O, C, K, K) are convolutions. Most of them work at a quarter of the size.
    """
    sizes = [weight.numel() for weight in weights if weight.ndim == 4]
    return sum(sizes) / len(sizes) * positions / 16 if sizes else None


def set_number(number: int | None) -> None:
    """Let torch compute in that many threads; None: in as many as before."""
    import torch  # Imported late: `limit_waiting` must come first.

    if number:
        torch.set_num_threads(number)


class AdaptiveThreads:
    """Sets the number of torch's threads for steps that resemble each other, such as images or iterations.

    A fixed number stays. Otherwise all of torch's threads compute, unless a step is small, or the machine is busy and
    one thread is faster.
    """

    def __init__(self, number: int | None, device: "torch.device") -> None:
        import torch

        set_number(number)
        self.fixed = number
        self._set_number = torch.set_num_threads
        self._all = torch.get_num_threads()
        # Processes that train together wait for each other, as if the machine was busy.
        self._adapts = number is None and self._all > 1 and device.type == "cpu" and find_rank().size == 1
        self._alone = False  # whether one thread computes, because the machine is busy
        self._on_trial = False  # whether it is the first step in one thread
        self._together = 0.0  # seconds that a unit took in all threads before
        self._suspicions = 0  # busy steps in a row
        self._rest = 1  # steps before the next decision; the first step prepares libraries
        self._next_rest = _FIRST_REST
        self._is_small = False
        self._begun = (0.0, 0.0)
        self.begin()

    def fix(self, number: int) -> None:
        """Compute in that number of threads from now on."""
        self._set_number(number)
        self.fixed, self._adapts = number, False

    @contextlib.contextmanager
    def step(self, units: float = 1, products: float | None = None) -> Iterator[None]:
        """Compute a step of `units` of work within the block; `products` as in `begin`."""
        self.begin(products)
        try:
            yield
        finally:
            self.end(units)

    def begin(self, products: float | None = None) -> None:
        """Begin a step whose convolutions take `products` each on average; None: it is not small."""
        self._is_small = products is not None and products < _LEAST_PRODUCTS
        if self._adapts:
            self._set_number(1 if self._alone or self._is_small else self._all)
        self._begun = (time.perf_counter(), time.process_time())

    def end(self, units: float = 1) -> None:
        """End a step of `units` of work, and decide on the number of threads of the next one.

        Between steps, torch has all its threads.
        """
        if not self._adapts:
            return
        seconds, processor_seconds = time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]
        self._set_number(self._all)
        if self._is_small:
            return
        if self._rest:
            self._rest -= 1
        elif self._on_trial:
            self._on_trial = False
            self._alone = seconds / units * _GAIN < self._together
            self._rest, self._next_rest = self._next_rest, min(2 * self._next_rest, _LONGEST_REST)
            self._suspicions = 0
        elif self._alone:  # Look whether the machine is still busy.
            self._alone = False
            self._suspicions = _SUSPICIONS - 1
        elif processor_seconds < _BUSY * self._all * seconds:
            self._suspicions += 1
            if self._suspicions >= _SUSPICIONS:
                self._alone = self._on_trial = True
                self._together = seconds / units
        else:
            self._suspicions, self._next_rest = 0, _FIRST_REST
