"""What neural style gains from the precision that is chosen by itself, and from the default preset.

    python benchmarks/neural_style.py [--content FILE] [--style FILE] [--size 512] [--iterations 500]

Prints JSON with two ratios. `iteration`: seconds of one iteration at the full size in plain float32, channels first,
over those in what `--precision auto` takes. `picture`: seconds of N plain L-BFGS iterations at the full size (preset
`author`, float32, channels first) over those of the default preset's whole run, with what each picture is worth: the
objective of the preset `author`, in float32, of the picture as it is written, in range. A `quality` above 1 says that
the default's is lower, which is better.
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
from imgxlate.engine.device import find_device, find_dtype
from imgxlate.images.decode import decode
from imgxlate.images.tensors import resize, to_tensor
from imgxlate.methods.gatys import SPEC
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.method import Gatys
from imgxlate.methods.gatys.objective import Objective
from imgxlate.paths import assets_dir

EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", type=Path, default=EXAMPLES / "photos" / "china.jpg")
    parser.add_argument("--style", type=Path, default=EXAMPLES / "styles" / "night-sky.jpg")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=500, help="of the plain run")
    parser.add_argument("--timed", type=int, default=7, help="iterations of which the median is taken")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    bench = Bench(arguments.content, arguments.style, arguments.size, arguments.device)
    report = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": str(bench.device),
        "size": arguments.size,
        "iteration": bench.compare_iterations(arguments.timed),
        "picture": bench.compare_pictures(arguments.iterations),
    }
    print(json.dumps(report, indent=2))


class Bench:
    """One content and one style image, painted in several ways."""

    def __init__(self, content: Path, style: Path, size: int, device: str) -> None:
        self.features = checkpoint.read(assets_dir() / "vgg19.safetensors")
        self.content, self.style = (to_tensor(decode(path).rgb) for path in (content, style))
        self.size = size
        self.device = find_device(device)
        self.dtype = find_dtype("auto", self.device)

    def compare_iterations(self, timed: int) -> dict[str, Any]:
        """Time an iteration at the full size, plain and as chosen."""
        plain = self.iteration_seconds(self.plain(timed + 2))
        chosen = self.iteration_seconds(self.stylizer("author", self.dtype, timed + 2))
        return {
            "plain_seconds": round(plain, 3),
            "auto_seconds": round(chosen, 3),
            "auto_dtype": str(self.dtype),
            "ratio": round(plain / chosen, 2),
        }

    def compare_pictures(self, iterations: int) -> dict[str, Any]:
        """Time and judge the default's picture and that of plain iterations."""
        default, default_seconds = self.paint(self.stylizer("default", self.dtype))
        plain, plain_seconds = self.paint(self.plain(iterations))
        default_worth, plain_worth = self.objective(default), self.objective(plain)
        return {
            "plain_iterations": iterations,
            "plain_seconds": round(plain_seconds, 1),
            "default_seconds": round(default_seconds, 1),
            "ratio": round(plain_seconds / default_seconds, 2),
            "plain_objective": plain_worth,
            "default_objective": default_worth,
            "quality": round(plain_worth["total"] / default_worth["total"], 3),
        }

    def stylizer(self, preset: str, dtype: torch.dtype, iterations: int | None = None) -> Gatys:
        """The preset at this size, placed."""
        config = SPEC.presets[preset]
        assert isinstance(config, GatysConfig)
        changes = {} if iterations is None else {"iterations": iterations}
        stylizer = Gatys.from_features(dataclasses.replace(config, size=self.size, **changes), self.features)
        stylizer.place(self.device, dtype)
        return stylizer

    def plain(self, iterations: int) -> Gatys:
        """The first author's recipe as published."""
        stylizer = self.stylizer("author", torch.float32, iterations)
        stylizer.network.place(self.device, torch.float32, torch.contiguous_format)
        return stylizer

    def iteration_seconds(self, stylizer: Gatys) -> float:
        """The median over the iterations of a run."""
        moments = [time.perf_counter() for _ in stylizer.stylize(self.content, [self.style], None, 0)]
        return statistics.median(later - earlier for earlier, later in itertools.pairwise(moments))

    def paint(self, stylizer: Gatys) -> tuple[Tensor, float]:
        """The picture, and the seconds from nothing to it."""
        started = time.perf_counter()
        for iterate in stylizer.stylize(self.content, [self.style], None, 0):
            last = iterate
        return last.picture(), time.perf_counter() - started

    def objective(self, picture: Tensor) -> dict[str, float]:
        """The first author's objective of a picture."""
        judge = self.plain(1)
        height, width = picture.shape[2:]
        factor = self.size / max(self.style.shape[2:])
        style_size = (round(self.style.shape[2] * factor), round(self.style.shape[3] * factor))
        content, style = (
            resize(image.to(self.device), size, "bicubic")
            for image, size in ((self.content, (height, width)), (self.style, style_size))
        )
        with torch.no_grad():
            losses = Objective(judge.config, judge.network, content, [style], [1.0])(picture)
        return {name: round(value) for name, value in losses.summary().items()}


if __name__ == "__main__":
    main()
