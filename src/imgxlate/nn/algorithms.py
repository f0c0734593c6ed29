"""Which algorithm computes a convolution fastest on this machine: measured once, then remembered.

The choices are kept in `convolutions.json` in the cache folder, by processor and version of torch. They are measured in
one thread: several threads wait for each other, and when other programs compute, such waits would decide.
"""

import contextlib
import json
import math
import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from imgxlate import atomic, paths
from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import OutputError
from imgxlate.nn import winograd
from imgxlate.nn.winograd import Geometry

Algorithm = Literal["direct", "winograd"]
Operation = Literal["output", "input gradient", "weight gradient"]

_LEAST_PRODUCTS = 1 << 23  # Below, a convolution takes less than a millisecond, and a choice saves nothing.
_MOST_PRODUCTS = 5 << 29  # of a measured convolution, which takes some 30 ms
_LEAST_CHANNELS = 16
_MOST_ROUNDS = 6
_SPREAD = 1.15  # The two shortest times may differ by this factor, or the machine is too busy to measure.
_PATIENCE = 20.0  # seconds to wait for another process that measures
_MARGIN = 0.95  # Winograd's algorithm must take less than this part of the direct convolution's time.
_MEASURING = "measuring which convolution algorithms are fastest on this processor; later runs reuse the result"


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution, with the size of its output."""

    channels: int
    outputs: int  # channels of the output
    kernel: int
    stride: int
    positions: int  # of the output, in all images of the batch

    @classmethod
    def of(cls, x: Tensor, weight: Tensor, geometry: Geometry) -> "Layer":
        """The layer that convolves `x` (B, C, H, W) with `weight` (O, C, K, K)."""
        positions = len(x) * math.prod(geometry.output_side(side) for side in x.shape[2:])
        return cls(weight.shape[1], len(weight), geometry.kernel, geometry.stride, positions)

    @property
    def products(self) -> int:
        """The products that a direct convolution takes."""
        return self.channels * self.outputs * self.kernel**2 * self.positions

    @property
    def side(self) -> int:
        """The side of the square output that is measured for this layer: a power of two, and not larger than needed.

        For a larger output, the time of a position stays the same.
        """
        exponent = round(math.log2(self.positions) / 2)
        while exponent > 3 and self.products // self.positions * 4**exponent > _MOST_PRODUCTS:
            exponent -= 1
        return int(2**exponent)

    def __str__(self) -> str:
        kernel = f"{self.kernel}x{self.kernel}" + (f"/{self.stride}" if self.stride > 1 else "")
        return f"{kernel} {self.channels}->{self.outputs} {self.side}x{self.side}"


class Choices:
    """The algorithm for each operation of each layer. Threads and processes may use it at once."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known: dict[str, Algorithm] = {}
        self._patience = _PATIENCE
        self.used: Counter[tuple[str, Algorithm]] = Counter()  # calls in this process, by operation
        self.notify: Notify = ignore  # called once, when the first measurement begins

    def find(self, operation: Operation, layer: Layer) -> Algorithm:
        """The algorithm to use. It is measured once, unless a measurement would take more time than it saves."""
        if layer.products < _LEAST_PRODUCTS or min(layer.channels, layer.outputs) < _LEAST_CHANNELS:
            return "direct"
        key = f"{operation} {layer}"
        with self._lock:
            if key not in self._known:
                self._known[key] = self._measured(key, operation, layer)
            self.used[key, self._known[key]] += 1
            return self._known[key]

    def summary(self) -> list[str]:
        """A line for each operation that had a choice in this process: which algorithm computed it, and how often."""
        return [f"convolution, {key}: {algorithm}, {count}x" for (key, algorithm), count in sorted(self.used.items())]

    def _measured(self, key: str, operation: Operation, layer: Layer) -> Algorithm:
        """The remembered choice, or a new measurement. A choice that cannot be remembered is not measured."""
        from filelock import FileLock, Timeout  # Imported late: most choices are known.

        path = choices_file()
        try:
            atomic.make_folder(path.parent)
            with FileLock(path.with_suffix(".lock"), timeout=self._patience):
                remembered = read_choices(path)
                known = remembered.setdefault(machine(), {})
                if key not in known:
                    notify, self.notify = self.notify, ignore
                    notify(_MEASURING)
                    known[key] = measure(operation, layer) or expected(operation, layer)
                    atomic.write_bytes(path, json.dumps(remembered, indent=1, sort_keys=True).encode())
                return known[key]
        except (OSError, NotImplementedError, Timeout, OutputError):  # as of file systems without locks
            self._patience = 0.0  # Do not wait again.
            return expected(operation, layer)


choices = Choices()


def choices_file() -> Path:
    """The file of the remembered choices."""
    return paths.cache_dir() / "convolutions.json"


def read_choices(path: Path) -> dict[str, dict[str, Algorithm]]:
    """The remembered choices by machine and operation; empty if the file is missing or damaged."""
    try:
        found = json.loads(path.read_bytes())
        return {
            str(name): {str(key): algorithm for key, algorithm in known.items() if algorithm in get_args(Algorithm)}
            for name, known in found.items()
        }
    except (OSError, ValueError, AttributeError):
        return {}


def remembered() -> Counter[Algorithm]:
    """How many choices of each algorithm are remembered for this machine."""
    return Counter(read_choices(choices_file()).get(machine(), {}).values())


def machine() -> str:
    """The processor, its instructions that torch uses, and the version of torch."""
    return f"{processor()}, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"


def measure(operation: Operation, layer: Layer) -> Algorithm | None:
    """The faster algorithm for random numbers, or None if the machine is too busy to tell."""
    geometry = Geometry(layer.kernel, layer.stride)
    input_side = (layer.side - 1) * layer.stride + layer.kernel
    with torch.no_grad(), _one_thread():
        generator, cpu = torch.Generator().manual_seed(0), torch.device("cpu")
        x, weight, gradient = (
            torch.randn(shape, generator=generator, dtype=torch.float32, device=cpu).to(
                memory_format=torch.channels_last
            )
            for shape in (
                (1, layer.channels, input_side, input_side),
                (layer.outputs, layer.channels, layer.kernel, layer.kernel),
                (1, layer.outputs, layer.side, layer.side),
            )
        )
        direct, fast = _candidates(operation, x, weight, gradient, geometry)
        direct(), fast()  # The first call also prepares kernels and buffers.
        times: list[tuple[float, float]] = []
        for _ in range(_MOST_ROUNDS):
            times.append((_seconds(direct), _seconds(fast)))
            shortest = [sorted(column)[:2] for column in zip(*times, strict=True)]
            if all(len(pair) == 2 and pair[1] <= _SPREAD * pair[0] for pair in shortest):
                (least_direct, _), (least_fast, _) = shortest
                return "winograd" if least_fast < _MARGIN * least_direct else "direct"
    return None


def expected(operation: Operation, layer: Layer) -> Algorithm:
    """The algorithm that is faster on most processors."""
    if operation == "weight gradient":
        enough = layer.channels * layer.outputs >= 64 * 128 and layer.positions >= 1024 * layer.stride**2
    else:
        enough = min(layer.channels, layer.outputs) >= 128 and layer.positions >= 1024 and layer.stride == 1
    return "winograd" if enough else "direct"


def direct_gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, *, by_input: bool, by_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients as torch computes them; see `imgxlate.nn.winograd.gradients`."""
    pairs = ([geometry.stride] * 2, [geometry.padding] * 2, [1, 1])
    by_x, by_w, _ = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, *pairs, False, [0, 0], 1, [by_input, by_weight, False]
    )
    return by_x, by_w


GRADIENTS: dict[Algorithm, Callable[..., tuple[Tensor | None, Tensor | None]]] = {
    "direct": direct_gradients,
    "winograd": winograd.gradients,
}


def _candidates(
    operation: Operation, x: Tensor, weight: Tensor, gradient: Tensor, geometry: Geometry
) -> tuple[Callable[[], object], Callable[[], object]]:
    if operation == "output":
        return (
            lambda: functional.conv2d(x, weight, None, geometry.stride, geometry.padding),
            lambda: winograd.convolve(x, weight, None, geometry),
        )
    wanted = {"by_input": operation == "input gradient", "by_weight": operation == "weight gradient"}
    return (
        lambda: direct_gradients(gradient, x, weight, geometry, **wanted),
        lambda: winograd.gradients(gradient, x, weight, geometry, **wanted),
    )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _seconds(compute: Callable[[], object]) -> float:
    started = time.perf_counter()
    compute()
    return time.perf_counter() - started


def processor() -> str:
    """The name of the processor, such as "AMD EPYC 7763"."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
