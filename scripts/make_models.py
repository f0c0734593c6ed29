"""Train the models that ship with the package from the recipes: `python scripts/make_models.py --help`.

A recipe is named after its model, method first. A model that was trained in stages has a recipe for each: NAME.1,
NAME.2 and so on, then NAME. `STAGES` says from which stage each begins, and which models are averages of several. An
interrupted run continues. A finished run is only packed again.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import torch

from imgxlate import checkpoint
from imgxlate.training import history
from imgxlate.training.run_folder import RunFolder

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "recipes"
ASSETS = ROOT / "src" / "imgxlate" / "assets"
KEPT_CHECKPOINTS = 1000  # of a run whose model is an earlier checkpoint than the last: all of them
CURVE_POINTS = 250  # of the history that is stored beside a recipe


@dataclass(frozen=True)
class Stage:
    """How a recipe is used."""

    data: str  # the data set; an option of that name gives its folder
    start: str | None = None  # the stage from whose model it begins
    backward: bool = False  # whether it learns from trainB to trainA: a model of CUT has one direction
    step: int | None = None  # the step whose checkpoint is its model; None: the last step
    average: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The shares of stages whose weights are added, for the weights whose names begin like this. They add up to 1."""


STAGES = {
    "munit-summer2winter.1": Stage("mountains"),
    "munit-summer2winter.2": Stage("seasons", "munit-summer2winter.1"),
    "munit-summer2winter.3": Stage("seasons", "munit-summer2winter.2"),
    "munit-summer2winter": Stage(
        "seasons",
        "munit-summer2winter.3",
        step=400,
        average={
            # To summer: stage 2 keeps the most snow.
            "b.enc_content": {"munit-summer2winter.2": -0.2, "munit-summer2winter": 1.2},
            "a.enc_style": {"munit-summer2winter.2": -0.2, "munit-summer2winter": 1.2},
            "a.mlp": {"munit-summer2winter.2": -0.2, "munit-summer2winter": 1.2},
            "a.dec": {"munit-summer2winter.2": -0.2, "munit-summer2winter": 1.2},
            # To winter.
            "a.enc_content": {"munit-summer2winter.3": 1.0},
            "b.enc_style": {"munit-summer2winter.3": 1.0},
            "b.mlp": {"munit-summer2winter.3": 1.0},
            "b.dec": {"munit-summer2winter.3": 1.0},
        },
    ),
    "unit-summer2winter.1": Stage("mountains"),
    "unit-summer2winter.2": Stage("seasons", "unit-summer2winter.1"),
    "unit-summer2winter.3": Stage("seasons", "unit-summer2winter.2"),
    "unit-summer2winter": Stage(
        "seasons",
        "unit-summer2winter.2",
        average={"": {"unit-summer2winter.2": 0.1, "unit-summer2winter.3": 0.55, "unit-summer2winter": 0.35}},
    ),
    "cyclegan-summer2winter.1": Stage("mountains"),
    "cyclegan-summer2winter.2": Stage("seasons", "cyclegan-summer2winter.1"),
    "cyclegan-summer2winter.3": Stage("seasons", "cyclegan-summer2winter.2"),
    "cyclegan-summer2winter": Stage(
        "seasons",
        "cyclegan-summer2winter.2",
        average={
            "G_A": {"cyclegan-summer2winter.3": 0.5, "cyclegan-summer2winter": 0.5},
            # Stage 2 keeps the most snow in summers.
            "G_B": {"cyclegan-summer2winter.2": -0.5, "cyclegan-summer2winter.3": 0.7, "cyclegan-summer2winter": 0.8},
        },
    ),
    "cut-summer2winter.1": Stage("seasons"),
    "cut-summer2winter": Stage(
        "seasons", "cut-summer2winter.1", average={"": {"cut-summer2winter.1": 0.6, "cut-summer2winter": 0.4}}
    ),
    "cut-winter2summer": Stage("seasons", backward=True),
    "cut-photo2monet": Stage("monet", backward=True),
    "munit-outline2color.1": Stage("openmoji"),
    "munit-outline2color": Stage("openmoji", "munit-outline2color.1"),
}


def main() -> None:
    """Train the models, pack them in half precision, and print the size and hash for the catalog."""
    known = [name for name in STAGES if "." not in name]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="MODEL", help=f"which of {', '.join(known)} (default: all)")
    parser.add_argument("--mountains", help="folder with trainA (summer) and trainB (winter)")
    parser.add_argument("--seasons", help="folder with trainA (summer) and trainB (winter), of 256 pixels")
    parser.add_argument("--monet", help="folder with trainA (paintings by Monet) and trainB (photos)")
    parser.add_argument("--openmoji", help="folder that scripts/openmoji.py made")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs (default: runs)")
    arguments = parser.parse_args()
    names = arguments.names or known
    for name in names:
        if name not in known:
            parser.error(f"there is no recipe {name}")
        for stage in stages(name):
            if not getattr(arguments, STAGES[stage].data):
                parser.error(f"{name} needs --{STAGES[stage].data}")
    for name in names:
        for stage in stages(name):
            train(stage, Path(getattr(arguments, STAGES[stage].data)), arguments.runs)
            keep_history(arguments.runs / stage, RECIPES / f"{stage}.history.jsonl")
        pack(name, arguments.runs)


def stages(name: str) -> list[str]:
    """The recipes of a model, in the order in which they are trained."""
    return [stage for stage in STAGES if stage.partition(".")[0] == name]


def train(name: str, data: Path, runs: Path) -> None:
    """Start the run of a recipe, or continue it. Its model in half precision is stored beside it."""
    method, stage, run = name.partition("-")[0], STAGES[name], runs / name
    keep = ["--keep", str(KEPT_CHECKPOINTS)] if stage.step else []
    if (run / "checkpoints").exists():
        imgxlate("train", method, "--out", str(run), "--resume", *keep)
    else:
        folders = [str(data / "trainA"), str(data / "trainB")]
        if stage.backward:
            folders.reverse()
        begin = ["--from", str(model_of(stage.start, runs))] if stage.start else []
        recipe = str(RECIPES / f"{name}.toml")
        imgxlate("train", method, *folders, "--out", str(run), "--config", recipe, *begin, *keep)
    made = RunFolder(run).checkpoint_at(stage.step) if stage.step else run
    imgxlate("weights", "export", str(made), "--format", "half", "-o", str(model_of(name, runs)), "--overwrite")


def model_of(stage: str, runs: Path) -> Path:
    """The file of a stage's model."""
    return runs / f"{stage}.safetensors"


def pack(name: str, runs: Path) -> None:
    """Put a model into the package: that of its last stage, or the average of several."""
    model = ASSETS / f"{name}.safetensors"
    if shares := STAGES[name].average:
        average(model_of(name, runs), shares, runs, model)
    else:
        shutil.copyfile(model_of(name, runs), model)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    print(f'for "{name}" in weights/catalogue.toml: size = {model.stat().st_size:_}, sha256 = "{digest}"', flush=True)


def average(last: Path, shares: Mapping[str, Mapping[str, float]], runs: Path, path: Path) -> None:
    """Write a model like that in `last`, but with the sums of weights that `shares` names.

    Models that were trained on from one model can be averaged: M. Wortsman et al., *Model soups*, arXiv 2203.05482. A
    negative share leads away from a stage: G. Ilharco et al., *Editing Models with Task Arithmetic*, arXiv 2212.04089.
    """
    opened = checkpoint.read(last)
    weights = {stage: checkpoint.read(model_of(stage, runs)).tensors for some in shares.values() for stage in some}
    tensors = {}
    for name, tensor in opened.tensors.items():
        [used] = [some for prefix, some in shares.items() if name.startswith(prefix)]
        weighted = [share * weights[stage][name].to(torch.float32) for stage, share in used.items()]
        tensors[name] = torch.stack(weighted).sum(0).to(tensor.dtype)
    card = opened.header["card"] | {"average": shares}
    checkpoint.write(path, tensors, {**opened.header, "card": card})


def keep_history(run: Path, path: Path) -> None:
    """Store the points of a training curve: the means over equal parts of the run, with four digits."""
    entries = list(history.read(run / "history.jsonl"))
    starts = [round(index * len(entries) / CURVE_POINTS) for index in range(CURVE_POINTS + 1)]
    with history.History(path) as kept:
        for start, end in pairwise(starts):
            if part := entries[start:end]:
                kept.append(mean(part))


def mean(part: Sequence[history.Entry]) -> history.Entry:
    """The mean of several entries, at the step of the last one."""
    means = {name: fmean(entry.losses[name] for entry in part) for name in part[-1].losses}
    losses = {name: float(f"{value:.4g}") for name, value in means.items()}
    return replace(part[-1], losses=losses, seconds=fmean(entry.seconds for entry in part))


def imgxlate(*arguments: str) -> None:
    """Print an `imgxlate` command and run it. If it fails, exit with its exit code."""
    print(shlex.join(["imgxlate", *arguments]), file=sys.stderr, flush=True)
    code = subprocess.run([sys.executable, "-m", "imgxlate", *arguments], check=False).returncode
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
