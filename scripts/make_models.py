"""Train the models that ship with the package from the recipes: `python scripts/make_models.py --help`.

A recipe is named after its model, method first. An interrupted run continues. A finished run is only packed again.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from imgxlate.training import history

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "recipes"
ASSETS = ROOT / "src" / "imgxlate" / "assets"
CURVE_POINTS = 250  # of the history that is stored beside a recipe
DATA_SETS = {
    "munit-summer2winter": "mountains",
    "unit-summer2winter": "mountains",
    "cyclegan-summer2winter": "mountains",
    "cut-summer2winter": "seasons",
    "cut-winter2summer": "seasons",
    "cut-photo2monet": "monet",
    "munit-outline2color": "openmoji",
}
BACKWARD = ("cut-winter2summer", "cut-photo2monet")  # from trainB to trainA: a model of CUT has one direction


def main() -> None:
    """Train the models, pack them in half precision, and print the size and hash for the catalog."""
    known = sorted(recipe.stem for recipe in RECIPES.glob("*.toml"))
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
        if not getattr(arguments, data_set_of(name)):
            parser.error(f"{name} needs --{data_set_of(name)}")
    for name in names:
        train(name, Path(getattr(arguments, data_set_of(name))), arguments.runs / name)
        pack(name, arguments.runs / name)
        keep_history(arguments.runs / name, RECIPES / f"{name}.history.jsonl")


def data_set_of(name: str) -> str:
    """The data set of a model. An option of that name gives its folder."""
    return DATA_SETS[name]


def train(name: str, data: Path, run: Path) -> None:
    """Start the run of a recipe, or continue it."""
    method = name.partition("-")[0]
    if (run / "checkpoints").exists():
        imgxlate("train", method, "--out", str(run), "--resume")
        return
    recipe = str(RECIPES / f"{name}.toml")
    folders = [str(data / "trainA"), str(data / "trainB")]
    if name in BACKWARD:
        folders.reverse()
    imgxlate("train", method, *folders, "--out", str(run), "--config", recipe)


def pack(name: str, run: Path) -> None:
    """Export the model of a run to the package."""
    model = ASSETS / f"{name}.safetensors"
    imgxlate("weights", "export", str(run), "--format", "half", "-o", str(model), "--overwrite")
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    print(f'for "{name}" in weights/catalogue.toml: size = {model.stat().st_size:_}, sha256 = "{digest}"', flush=True)


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
