"""Measure the gain of the default preset and of the automatic precision of neural style over a plain run.

    python benchmarks/neural_style.py [--content FILE] [--style FILE] [--size 512] [--iterations 500]

Prints JSON with two ratios:

- `iteration`: seconds of one iteration at the full size in plain float32, channels first, divided by the seconds with
  `--precision auto`.
- `picture`: seconds of N plain L-BFGS iterations at the full size, in float32, channels first, divided by the seconds
  of the whole run of the default preset. It also has the content and style loss of both images, in float32, with the
  default's weights. The plain run minimizes exactly this loss, from the content image.

Colors beyond black and white are clipped when an image is written. `clipped` is the loss of the written image.
`reached` is the lowest loss that the run itself reported, before clipping; the default's also includes the penalty on
colors out of range, and is computed in the precision of the run. A `quality` above 1 means that the default's image has
the lower clipped loss.

`--precisions N` instead compares the losses of the images after N iterations at the full size in each precision.
"""

import argparse
import dataclasses
import itertools
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.images.decode import decode
from imgxlate.images.tensors import resize, to_tensor
from imgxlate.inference.device import Arithmetic, find_arithmetic, find_device, require_exact
from imgxlate.methods.gatys import SPEC
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.method import Gatys
from imgxlate.methods.gatys.objective import Objective
from imgxlate.nn.precision import each_fast
from imgxlate.paths import assets_dir

EXAMPLES = Path(__file__).parents[1] / "examples"
EXACT = Arithmetic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", type=Path, default=EXAMPLES / "photos" / "china.jpg")
    parser.add_argument("--style", type=Path, default=EXAMPLES / "styles" / "night-sky.jpg")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=500, help="iterations of the plain run")
    parser.add_argument("--timed", type=int, default=7, help="iterations to take the median of")
    parser.add_argument("--precisions", type=int, default=0, metavar="N", help="compare precisions after N iterations")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    bench = Bench(arguments.content, arguments.style, arguments.size, arguments.device)
    report = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": str(bench.device),
        "size": arguments.size,
    }
    if arguments.precisions:
        report["precision"] = bench.compare_precisions(arguments.precisions)
    else:
        report["iteration"] = bench.compare_iterations(arguments.timed)
        report["picture"] = bench.compare_images(arguments.iterations)
    print(json.dumps(report, indent=2))


class Bench:
    """A content image and a style image, painted with several configurations."""

    def __init__(self, content: Path, style: Path, size: int, device: str) -> None:
        self.features = checkpoint.read(assets_dir() / "vgg19.safetensors")
        self.content, self.style = (to_tensor(decode(path).rgb) for path in (content, style))
        self.size = size
        self.device = find_device(device)
        self.auto = find_arithmetic("auto", self.device)
        require_exact(self.device, self.auto.dtype)

    def compare_iterations(self, timed: int) -> dict[str, Any]:
        """Time an iteration at the full size, plain and in the automatic precision."""
        plain = self.iteration_seconds(self.plain(timed + 2))
        chosen = self.iteration_seconds(self.stylizer(self.auto, scales=1, iterations=timed + 2), self.auto)
        return {
            "plain_seconds": round(plain, 3),
            "auto_seconds": round(chosen, 3),
            "auto_arithmetic": str(self.auto),
            "ratio": round(plain / chosen, 2),
        }

    def compare_images(self, iterations: int) -> dict[str, Any]:
        """Compare the images of the default preset and of plain iterations by time and loss."""
        default = self.paint(self.stylizer(self.auto), self.auto)
        plain = self.paint(self.plain(iterations))
        return {
            "plain_iterations": iterations,
            "plain": plain,
            "default": default,
            "ratio": round(plain["seconds"] / default["seconds"], 2),
            "quality": round(plain["clipped"]["total"] / default["clipped"]["total"], 3),
        }

    def compare_precisions(self, iterations: int) -> dict[str, Any]:
        """Compare the losses after `iterations` iterations at the full size in each precision."""
        losses = {}
        for precision in ("fp32", "fp32-fast", "bf16"):
            arithmetic = find_arithmetic(precision, self.device)
            stylizer = self.stylizer(arithmetic, scales=1, iterations=iterations)
            *_, last = each_fast(stylizer.stylize(self.content, [self.style], None, 0), arithmetic.fast)
            losses[precision] = self.objective(last.image())["total"]
        return {
            "iterations": iterations,
            "clipped": losses,
            "ratios": {name: round(loss / losses["fp32"], 4) for name, loss in losses.items()},
        }

    def stylizer(self, arithmetic: Arithmetic, **changes: Any) -> Gatys:
        """The default preset with `changes`, placed."""
        config = SPEC.presets["default"]
        assert isinstance(config, GatysConfig)
        stylizer = Gatys.from_features(dataclasses.replace(config, size=self.size, **changes), self.features)
        stylizer.place(self.device, arithmetic.dtype)
        return stylizer

    def plain(self, iterations: int) -> Gatys:
        """The content and style losses of the default preset, minimized as in the published programs."""
        stylizer = self.stylizer(Arithmetic(), scales=1, iterations=iterations, range_weight=0.0, history_size=100)
        stylizer.network.place(self.device, torch.float32, torch.contiguous_format)
        return stylizer

    def iteration_seconds(self, stylizer: Gatys, arithmetic: Arithmetic = EXACT) -> float:
        """The median time of an iteration of a run."""
        iterates = each_fast(stylizer.stylize(self.content, [self.style], None, 0), arithmetic.fast)
        moments = [time.perf_counter() for _ in iterates]
        return statistics.median(later - earlier for earlier, later in itertools.pairwise(moments))

    def paint(self, stylizer: Gatys, arithmetic: Arithmetic = EXACT) -> dict[str, Any]:
        """The seconds to the final image, and its loss."""
        started = time.perf_counter()
        iterates = list(each_fast(stylizer.stylize(self.content, [self.style], None, 0), arithmetic.fast))
        seconds = time.perf_counter() - started
        reached = min(iterate.losses["total"] for iterate in iterates if iterate.scale + 1 == iterate.scales)
        return {
            "seconds": round(seconds, 1),
            "clipped": self.objective(iterates[-1].image()),
            "reached": round(reached),
        }

    def objective(self, painting: Tensor) -> dict[str, float]:
        """The content and style loss of a painting."""
        stylizer = self.plain(1)
        height, width = painting.shape[2:]
        factor = self.size / max(self.style.shape[2:])
        style_size = (round(self.style.shape[2] * factor), round(self.style.shape[3] * factor))
        content, style = (
            resize(image.to(self.device), size, "bicubic")
            for image, size in ((self.content, (height, width)), (self.style, style_size))
        )
        with torch.no_grad():
            losses = Objective(stylizer.config, stylizer.network, content, [style], [1.0])(painting)
        return {name: round(value) for name, value in losses.summary().items()}


if __name__ == "__main__":
    main()
