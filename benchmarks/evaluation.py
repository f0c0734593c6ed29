"""Measure the share of a training run that its evaluations take.

    python benchmarks/evaluation.py METHOD DATA [--preset small] [--steps 12] [--device auto] [--set KEY=VALUE]

`DATA` is a folder that holds trainA and trainB. The run takes a few steps with one evaluation in the middle and one at
the end. The first evaluation also computes the features of the real images. Prints JSON:

- `step` and `evaluation`: the median seconds of a step, and the seconds of the second evaluation;
- `first`: what the first evaluation takes beyond that, once in a run;
- `share`: of the whole run, with the steps and the intervals of the preset.

On a CPU, these are seconds of the processor in one thread, which hardly depend on other programs.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imgxlate
from imgxlate.inference.device import find_device
from imgxlate.methods import registry
from imgxlate.training import recipes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method")
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="assignments")
    given = parser.parse_args()
    is_cpu = find_device(given.device).type == "cpu"
    recipe = recipes.resolve(registry.find(given.method), preset=given.preset, assignments=given.assignments)
    print(json.dumps(measure(given, recipe, time.process_time if is_cpu else time.perf_counter), indent=2))


def measure(given: argparse.Namespace, recipe: recipes.Recipe, now: Callable[[], float]) -> dict[str, Any]:
    """Train for some steps, and compute the share for the whole run."""
    steps: list[float] = []
    evaluations: list[float] = []
    last = now()

    def mark(times: list[float]) -> None:
        nonlocal last
        times.append(now() - last)
        last = now()

    few = {"iterations": given.steps, "evaluate_every": given.steps // 2, "checkpoint_every": given.steps + 1}
    quick = recipes.resolve(
        registry.find(given.method),
        preset=given.preset,
        assignments=given.assignments,
        options={key: ("benchmark", value) for key, value in (few | {"data.workers": 0, "display_size": 1}).items()},
    )
    with tempfile.TemporaryDirectory() as folder:
        imgxlate.train(
            quick,
            given.data,
            out=Path(folder) / "run",
            device=given.device,
            threads=given.threads,
            on_step=lambda _: mark(steps),
            on_evaluation=lambda _: mark(evaluations),
        )
    config = recipe.config
    step, (first, evaluation) = statistics.median(steps[2:]), evaluations
    count = -(-config.iterations // config.evaluate_every)
    spent = count * evaluation + first - evaluation
    return {
        "method": given.method,
        "preset": recipe.preset,
        "step": round(step, 4),
        "evaluation": round(evaluation, 2),
        "first": round(first - evaluation, 2),
        "evaluations": count,
        "share": round(spent / (config.iterations * step + spent), 4),
    }


if __name__ == "__main__":
    main()
