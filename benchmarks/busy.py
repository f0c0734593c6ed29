"""Measure how much longer commands take beside another program that computes.

    python benchmarks/busy.py [--jobs train translate neural-style] [--rounds 3] [--threads auto]

Each job is a command of `imgxlate` in a process of its own, in a temporary folder:

- `train`: steps of MUNIT with the preset `tiny`;
- `translate`: 100 images of 96 x 72 pixels by MUNIT's bundled model;
- `neural-style`: the default preset at 256 pixels.

It runs on the quiet machine and beside a program that multiplies matrices in as many threads as there are cores; the
two take turns. Prints JSON: for each job the median seconds of a step, of the images after the first, or of the whole
command, and the ratio of busy to quiet. Half of the machine is left to the job, so that one would expect a ratio of 2.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"
BUSY = "import torch\nx = torch.randn(1000, 1000)\nwhile True:\n    x @ x"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = {"train": train, "translate": translate, "neural-style": neural_style}
    parser.add_argument("--jobs", nargs="+", choices=jobs, default=list(jobs))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="auto", help="for `imgxlate --threads`")
    arguments = parser.parse_args()
    report: dict[str, object] = {"torch": torch.__version__, "cores": os.cpu_count(), "threads": arguments.threads}
    for name in arguments.jobs:
        seconds: dict[str, list[float]] = {"quiet": [], "busy": []}
        for _ in range(arguments.rounds):
            seconds["quiet"].append(jobs[name](arguments.threads))
            with busy_program():
                seconds["busy"].append(jobs[name](arguments.threads))
        medians = {state: round(statistics.median(times), 3) for state, times in seconds.items()}
        report[name] = medians | {"ratio": round(medians["busy"] / medians["quiet"], 2)}
    print(json.dumps(report, indent=2))


@contextmanager
def busy_program() -> Iterator[None]:
    """Compute in another process within the block."""
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    time.sleep(3)  # until it has imported torch
    try:
        yield
    finally:
        process.kill()
        process.wait()


def train(threads: str) -> float:
    """The median seconds of a training step."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        photos = [str(EXAMPLES / "photos"), str(EXAMPLES / "styles")]
        options = ["--preset", "tiny", "--iterations", "40", "--sample-every", "1000", "--workers", "0"]
        imgxlate("train", "munit", *photos, "--out", str(run), *options, "--threads", threads)
        lines = (run / "history.jsonl").read_text().splitlines()
    return statistics.median(json.loads(line)["seconds"] for line in lines[5:])


def translate(threads: str) -> float:
    """The seconds from the first to the last of 100 images."""
    with tempfile.TemporaryDirectory() as folder:
        noise = np.random.default_rng(0)
        for index in range(100):
            pixels = noise.integers(0, 256, (72, 96, 3), np.uint8)
            Image.fromarray(pixels).save(Path(folder) / f"{index:03d}.png")
        lines = ["translate", "munit", folder, "-o", f"{folder}/out/", "--json", "--threads", threads]
        moments = moments_of_lines(*lines)
    return moments[-1] - moments[0]


def neural_style(threads: str) -> float:
    """The seconds of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(EXAMPLES / "photos" / "china.jpg"), str(EXAMPLES / "styles" / "night-sky.jpg")]
        started = time.perf_counter()
        imgxlate("neural-style", *files, "-o", f"{folder}/out.png", "--size", "256", "--threads", threads)
    return time.perf_counter() - started


def imgxlate(*arguments: str) -> None:
    """Run a command."""
    subprocess.run([sys.executable, "-m", "imgxlate", *arguments, "--quiet"], check=True)


def moments_of_lines(*arguments: str) -> list[float]:
    """Run a command; the times at which it printed its lines."""
    command = [sys.executable, "-m", "imgxlate", *arguments, "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        moments = [time.perf_counter() for _ in process.stdout]
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return moments


if __name__ == "__main__":
    main()
