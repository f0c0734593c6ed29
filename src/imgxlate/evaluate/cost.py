"""What making a picture costs: seconds, and memory at its peak."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import torch

from imgxlate.evaluate.comparison import Measure

Made = TypeVar("Made")

SECONDS = Measure(
    name="seconds",
    title="Time a picture",
    how="From the decoded input to the finished picture; neither file is counted. The first picture in several styles "
    "bears what all of them share.",
    better="lower",
    unit="s",
)

MEMORY = "memory"

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"  # proc(5), clear_refs: the peak resident set becomes what is resident


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one picture."""

    seconds: float
    mebibytes: float | None  # at the peak; None: this machine does not say

    @property
    def numbers(self) -> dict[str, float | None]:
        """By the names of the measures."""
        return {SECONDS.name: self.seconds, MEMORY: self.mebibytes}


class Meter:
    """Measures what a device spends on pictures. Made before a model is loaded, it counts the model's weights too."""

    def __init__(self, device: torch.device, process: Path = _PROCESS) -> None:
        self._device = device
        self._process = process
        self._before = torch.cuda.memory_allocated(device) if device.type == "cuda" else 0  # bytes of other things

    def measures(self) -> tuple[Measure, Measure]:
        """Time and memory, with how the latter is measured here, or why it is not."""
        # What the process holds anyway hides differences, and what came before adds to them: there is no best.
        better: Literal["lower"] | None = "lower" if self._device.type == "cuda" else None
        return SECONDS, Measure(MEMORY, "Peak memory a picture", self._how(), better, unit="MiB")

    def _how(self) -> str:
        if self._device.type == "cuda":
            return "Largest amount that torch held on the GPU at once, the model's weights included."
        if self._device.type != "cpu":
            return f"Not taken: torch does not say how much a device of the kind {self._device.type} held at most."
        if not self._reset_peak():
            return "Not taken: the operating system does not say how much the process held at most."
        return (
            "Largest resident set of the whole process while it is made: Python, its libraries, the networks that "
            "measure, and what earlier work has not given back are in it."
        )

    def watch(self, pictures: Iterable[Made]) -> Iterator[tuple[Made, Cost]]:
        """Each of `pictures` with what it cost to make it, which is done when it is asked for."""
        waiting = iter(pictures)
        while True:
            known = self._begin()
            started = time.perf_counter()
            try:
                picture = next(waiting)
            except StopIteration:
                return
            yield picture, self._end(started, known)

    def _begin(self) -> bool:
        """Start anew; gives whether the peak of memory can be known."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return True
        return self._device.type == "cpu" and self._reset_peak()

    def _end(self, started: float, known: bool) -> Cost:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        seconds = time.perf_counter() - started
        return Cost(seconds, self._peak() / 2**20 if known else None)

    def _peak(self) -> int:
        """Bytes held at most since the last start."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) - self._before
        lines = (self._process / "status").read_text().splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(peak) * 1024  # The kernel says kB and means KiB.

    def _reset_peak(self) -> bool:
        try:
            (self._process / "clear_refs").write_text(_RESET_PEAK)
        except OSError:  # No Linux, or one that hides this.
            return False
        return True
