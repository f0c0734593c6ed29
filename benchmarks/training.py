"""Measure a training step in each precision, and compare it with a step of NVlabs/MUNIT's own code.

    python benchmarks/training.py [--method munit] [--preset NAME] [--size 256] [--original FOLDER]

`FOLDER` is a checkout of NVlabs/MUNIT that you have fetched yourself. Its license forbids commercial use, and none of
it is in this package. Its trainer is imported from there unchanged; on a CPU its `.cuda()` does nothing.

Prints JSON. The compared programs take turns, step by step, on the same batches. The first step is not counted, nor are
the first three on CUDA, where our third step is recorded and later ones are replayed. For each program:

- `seconds` of a step, and of its `parts`. Work that both updates of a step share, such as encoding the images, counts
  in the first of them;
- `processor_seconds` of a step, summed over all threads: other programs on the machine change them little;
- `images_per_second`, of both domains;
- `convolutions`: the time of a step in units of one fixed convolution (3x3, 256 to 256 channels, 64 x 64 positions, in
  float32), to compare machines;
- `speedup`: the seconds of the original divided by ours;
- `peak_mib`: the peak memory of a separate process for the first counted step and those before. On CUDA it is the
  memory that torch reserved, on other devices the resident memory, including torch itself.

`same_losses` compares the losses of the first step with the original's, from the same weights, images and noise: the
largest relative difference in each precision.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from originals import load_weights, original_code, without_cuda
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.data import folders
from imgxlate.data.batch import Batch
from imgxlate.data.loader import open_batches
from imgxlate.inference.device import Precision, find_arithmetic, find_device, require_exact
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext
from imgxlate.methods.shared import cuda_graphs
from imgxlate.methods.shared.optimization import TrainedNetworks
from imgxlate.methods.spec import TrainingConfig
from imgxlate.nn.precision import fast_arithmetic
from imgxlate.paths import assets_dir
from imgxlate.training.distributed import World

EXAMPLES = Path(__file__).parents[1] / "examples"
ORIGINAL = "original"
PRECISIONS = ["fp32", "fp32-fast", "bf16"]
FIRST_PART = {"cyclegan": "generators"}  # the networks that a method updates first, if not the discriminators


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default="munit")
    parser.add_argument("--preset", help="a preset of the method; default: the first one")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--size", type=int, default=256, help="sides of the crops, in pixels")
    parser.add_argument("--steps", type=int, default=5, help="counted steps of each program")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--compile", action="store_true", help="let torch compile our networks")
    parser.add_argument("--plain", action="store_true", help="on CUDA, compute our steps instead of replaying them")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--original", type=Path, metavar="FOLDER", help="a checkout of NVlabs/MUNIT")
    parser.add_argument("--data", nargs=2, type=Path, default=[EXAMPLES / "photos", EXAMPLES / "styles"])
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)  # used internally: a precision, or the original
    arguments = parser.parse_args()
    if arguments.plain:
        cuda_graphs.StepGraphs.run = lambda self, step, batch, context: step(batch, context)  # type: ignore[method-assign]
    bench = Bench(arguments)
    print(json.dumps(bench.peak_mib() if arguments.memory_of else bench.report(), indent=2))


class Draws:
    """Noise that repeats for every program that draws the same shapes in the same order."""

    def __init__(self, batch_size: int, device: torch.device) -> None:
        self.batch_size = batch_size
        self.device = device
        self.generator = torch.Generator().manual_seed(0)

    def noise(self, shape: Sequence[int]) -> Tensor:
        """(B, *shape) from N(0, I), as `StepContext.noise` returns it."""
        return self.randn(self.batch_size, *shape)

    def randn(self, *shape: Any) -> Tensor:
        """A replacement of `torch.randn`. `shape` is lengths, or one sequence of them."""
        lengths = shape[0] if isinstance(shape[0], Sequence) else shape
        return torch.empty(tuple(lengths)).normal_(generator=self.generator).to(self.device)


class TimedProgram:
    """A program that takes training steps, and the times of their parts."""

    def __init__(self, step: Callable[["TimedProgram", Batch], dict[str, float]], device: torch.device) -> None:
        self._step = step
        self.device = device
        self.marks: list[float] = []
        self.times: list[list[float]] = []  # seconds of the parts of each step
        self.processor_times: list[float] = []  # processor seconds of each step

    def step(self, batch: Batch) -> dict[str, float]:
        """Take a step, record its times, and return its losses."""
        self.marks = []
        self.mark()
        started = time.process_time()
        losses = self._step(self, batch)
        self.processor_times.append(time.process_time() - started)
        self.times.append([later - earlier for earlier, later in zip(self.marks, self.marks[1:], strict=False)])
        return losses

    def mark(self) -> None:
        """Record the end of a part of the step."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.marks.append(time.perf_counter())


class Bench:
    """The configuration, and the programs to compare."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.device = find_device(arguments.device)
        self.spec = registry.find(arguments.method)
        self.config = self._config()
        self.draws = Draws(arguments.batch_size, self.device)
        self.uncounted = 3 if self.device.type == "cuda" else 1  # steps before those that are counted

    def report(self) -> dict[str, Any]:
        """Let the programs take their steps in turn, and return all results."""
        names = [*self.arguments.precision, *([ORIGINAL] if self.arguments.original else [])]
        # First, while this process is small: its peak of resident memory counts for the processes that it starts.
        peaks = {name: self.peak_mib_of(name) for name in names}
        convolution = convolution_seconds(self.device)
        programs = self.programs()
        waits, first = [], {}
        with self.batches() as batches:
            for step in range(self.uncounted + self.arguments.steps):
                started = time.perf_counter()
                batch = next(batches)
                waits.append(time.perf_counter() - started)
                for name, program in programs.items():
                    losses = program.step(batch.to(self.device))
                    if step == 0:
                        first[name] = losses
        rows = {name: self.row(program, convolution) for name, program in programs.items()}
        for name, row in rows.items():
            if ORIGINAL in rows and name != ORIGINAL:
                row["speedup"] = round(rows[ORIGINAL]["seconds"]["median"] / row["seconds"]["median"], 2)
            row["peak_mib"] = peaks[name]
        return {
            **self.circumstances(),
            "convolution_seconds": round(convolution, 5),
            "data_seconds": round(statistics.median(waits[self.uncounted :]), 4),
            "steps": rows,
            **({"same_losses": difference(first)} if ORIGINAL in first else {}),
        }

    def circumstances(self) -> dict[str, Any]:
        """The machine and the options."""
        return {
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device),
            "threads": torch.get_num_threads(),
            "load": round(os.getloadavg()[0], 1),
            **{
                key: getattr(self.arguments, key)
                for key in ("method", "preset", "size", "batch_size", "compile", "plain")
            },
        }

    def row(self, program: TimedProgram, convolution: float) -> dict[str, Any]:
        """The times of the counted steps of a program."""
        counted = program.times[self.uncounted :]
        totals = [sum(parts) for parts in counted]
        median = statistics.median(totals)
        first = FIRST_PART.get(self.spec.name, "discriminators")
        names = sorted(("discriminators", "generators"), key=lambda name: name != first)
        return {
            "seconds": {"median": round(median, 3), "min": round(min(totals), 3)},
            "processor_seconds": round(statistics.median(program.processor_times[self.uncounted :]), 3),
            "parts": {name: round(statistics.median(p[i] for p in counted), 3) for i, name in enumerate(names)},
            "images_per_second": round(2 * self.arguments.batch_size / median, 3),
            "convolutions": round(median / convolution, 1),
        }

    def programs(self) -> dict[str, TimedProgram]:
        """The programs to compare by name, all with the same initial weights."""
        trainables = {precision: self._trainable(precision) for precision in self.arguments.precision}
        found = {precision: self._ours(trainable, precision) for precision, trainable in trainables.items()}
        if self.arguments.original:
            found[ORIGINAL] = self._original(next(iter(trainables.values())))
        return found

    def peak_mib(self) -> float:
        """The peak memory of this process for the first counted step of one program and those before."""
        name = self.arguments.memory_of
        precision = self.arguments.precision[0] if name == ORIGINAL else name
        trainable = self._trainable(precision)
        program = self._original(trainable) if name == ORIGINAL else self._ours(trainable, precision)
        del trainable
        with self.batches() as batches:
            for _ in range(self.uncounted + 1):
                program.step(next(batches).to(self.device))
        if self.device.type == "cuda":
            return round(torch.cuda.max_memory_reserved(self.device) / 2**20)
        unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)

    def peak_mib_of(self, name: str) -> float:
        """`peak_mib` of a new process."""
        command = [sys.executable, *sys.argv, "--memory-of", name]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    @contextlib.contextmanager
    def batches(self) -> Iterator[Iterator[Batch]]:
        """Open batches, prepared as in training."""
        found = folders.find(*self.arguments.data)
        with open_batches(found, self.config.data, seed=0, batch_size=self.arguments.batch_size) as batches:
            yield batches

    def _config(self) -> TrainingConfig:
        if self.spec.training is None:
            raise SystemExit(f"{self.spec.name} is not trained")
        presets = self.spec.training.presets
        config = presets[self.arguments.preset or next(iter(presets))]
        size = self.arguments.size
        data = dataclasses.replace(config.data, new_size=size, crop_height=size, crop_width=size)
        return dataclasses.replace(config, data=data, batch_size=self.arguments.batch_size)

    def _trainable(self, precision: Any) -> Any:
        features = (
            checkpoint.read(assets_dir() / f"{self.config.features}.safetensors") if self.config.features else None
        )
        trainable = registry.trainable(self.spec).create(self.config, features)
        dtype = find_arithmetic(precision, self.device).dtype
        require_exact(self.device, dtype)
        trainable.place(self.device, dtype, compiled=self.arguments.compile)
        return trainable

    def _ours(self, trainable: Any, precision: Precision) -> TimedProgram:
        fast = find_arithmetic(precision, self.device).fast

        def step(program: TimedProgram, batch: Batch) -> dict[str, float]:
            descend = TrainedNetworks._descend

            def marked(networks: TrainedNetworks, gradients: Any, context: StepContext) -> None:
                descend(networks, gradients, context)
                program.mark()

            self.draws.generator.manual_seed(0)
            context = StepContext(0, self.draws.noise, random.Random(0), World(0, 1))
            with mock.patch.object(TrainedNetworks, "_descend", marked), fast_arithmetic(fast):
                losses = trainable.train_step(batch, context)
            return {name: float(torch.as_tensor(loss).detach()) for name, loss in losses.items()}

        return TimedProgram(step, self.device)

    def _original(self, like: Any) -> TimedProgram:
        """The original's trainer, with our weights."""
        config = dataclasses.asdict(self.config) | {"input_dim_a": 3, "input_dim_b": 3}
        if self.spec.name not in ("munit", "unit") or config["vgg_w"]:
            raise SystemExit("--original is for munit and unit, without the perceptual loss, whose weights are gone")
        with original_code(self.arguments.original, self.device) as trainer:
            original = getattr(trainer, f"{self.spec.name.upper()}_Trainer")(config).to(self.device)
        load_original(original, like)

        def step(program: TimedProgram, batch: Batch) -> dict[str, float]:
            # The original works in the contiguous layout that torchvision returns.
            a, b = batch.a.contiguous(), batch.b.contiguous()
            self.draws.generator.manual_seed(0)
            with without_cuda(self.device), mock.patch.object(torch, "randn", self.draws.randn):
                for update in (original.dis_update, original.gen_update):
                    update(a, b, config)
                    program.mark()
            losses = {name.removeprefix("loss_"): loss for name, loss in vars(original).items() if "loss_" in name}
            return {name: float(torch.as_tensor(loss).detach()) for name, loss in losses.items()}

        return TimedProgram(step, self.device)


def load_original(original: torch.nn.Module, trainable: Any) -> None:
    """Copy our weights to the original's networks. Their names are the same."""
    generators, state = trainable.generators(), trainable.state()
    for side in "ab":
        load_weights(original.get_submodule(f"gen_{side}"), generators, f"{side}.")
        load_weights(original.get_submodule(f"dis_{side}"), state, f"dis.weights.{side}.")


def convolution_seconds(device: torch.device) -> float:
    """The median time of a fixed convolution."""
    x, weight = torch.zeros(1, 256, 64, 64, device=device), torch.zeros(256, 256, 3, 3, device=device)
    seconds = []
    for _ in range(30):
        program = TimedProgram(lambda *_: {}, device)
        program.mark()
        torch.conv2d(x, weight, padding=1)
        program.mark()
        seconds.append(program.marks[1] - program.marks[0])
    return statistics.median(seconds)


def difference(first: dict[str, dict[str, float]]) -> dict[str, float]:
    """For each program, the largest relative difference between one of its losses and the original's."""
    theirs = first.pop(ORIGINAL)
    return {
        name: float(f"{max(abs(ours[loss] - value) / abs(value) for loss, value in theirs.items() if value):.2g}")
        for name, ours in first.items()
    }


if __name__ == "__main__":
    main()
