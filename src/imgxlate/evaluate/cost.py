"""The cost of an image: seconds, and peak memory."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

import torch

from imgxlate.evaluate.results import Numbers
from imgxlate.metrics.measure import Measure

Item = TypeVar("Item")

SECONDS = Measure(
    name="seconds",
    title="Time per image",
    how="From the decoded input to the finished image, without reading and writing files. The first image in several "
    "styles includes the work that all of them share.",
    better="lower",
    unit="s",
)

MEMORY = "memory"

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"  # proc(5), clear_refs: the peak of the resident set becomes its current size


def allocated(device: torch.device) -> int:
    """The bytes that torch holds on a GPU; 0 on other devices."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def metered(items: Iterable[Item], device: torch.device, before: int = 0) -> Iterator[tuple[Item, Numbers]]:
    """Each item with the seconds and the peak MiB that computing it takes.

    On a GPU, `before` bytes are not counted: the value of `allocated` before the model was loaded.
    """
    waiting = iter(items)
    while True:
        known = _reset_peak(device)
        started = time.perf_counter()
        try:
            item = next(waiting)
        except StopIteration:
            return
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - started
        yield item, {SECONDS.name: seconds, MEMORY: (_peak(device) - before) / 2**20 if known else None}


def cost_measures(device: torch.device) -> tuple[Measure, Measure]:
    """The measures of time and memory. That of memory says how it is measured on `device`, or why it is not."""
    # The peak of a whole process includes more than the method needs, so none is the best.
    better: Literal["lower"] | None = "lower" if device.type == "cuda" else None
    return SECONDS, Measure(MEMORY, "Peak memory per image", _how(device), better, unit="MiB")


def _how(device: torch.device) -> str:
    if device.type == "cuda":
        return "The most that torch held on the GPU at once, including the model's weights."
    if device.type != "cpu":
        return f"Not measured: torch does not report the peak on a device of the kind {device.type}."
    if not _reset_peak(device):
        return "Not measured: the operating system does not report the peak of the process."
    return (
        "Largest resident set of the whole process during the computation. It includes Python, its libraries, the "
        "feature networks, and memory that earlier work has not released."
    )


def _reset_peak(device: torch.device) -> bool:
    """Start to measure the peak again. Returns False if the peak is not available."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    if device.type != "cpu":
        return False
    try:
        (_PROCESS / "clear_refs").write_text(_RESET_PEAK)
    except OSError:  # Not Linux, or the file is not writable.
        return False
    return True


def _peak(device: torch.device) -> int:
    """Bytes at the peak since the last reset."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    lines = (_PROCESS / "status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024  # The kernel writes kB and means KiB.
