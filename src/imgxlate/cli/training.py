"""A run of `imgxlate train`, once its configuration is settled: its pictures, its folder, and the way of its steps."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imgxlate.cli import loading
from imgxlate.cli.output import Output
from imgxlate.cli.training_view import TrainingView
from imgxlate.errors import OutputError, TerminatedError, UsageError
from imgxlate.methods.spec import MethodSpec
from imgxlate.training import recipes
from imgxlate.training.recipes import Recipe

if TYPE_CHECKING:
    from imgxlate.data.folders import Folders
    from imgxlate.training.plan import Options, Plan
    from imgxlate.training.run_folder import RunFolder


def find_pictures(recipe: Recipe, given: list[Path]) -> "tuple[Recipe, Folders]":
    """The training pictures, and the recipe with where they lie and what the domains are called.

    Raises:
        UsageError: no folders are known, or they cannot be used.
    """
    from imgxlate.data import folders

    paths = given or list(recipe.folders)
    if not paths:
        raise UsageError(
            "a run needs training pictures",
            hint="Type `imgxlate train METHOD DATA_A DATA_B --out RUN`, or one folder that holds trainA and trainB.",
        )
    absolute = tuple(path.absolute() for path in paths)
    for path in absolute:
        if any("\ud800" <= letter <= "\udfff" for letter in str(path)):  # Python's way to keep bytes that are no text.
            raise UsageError(f"{path!a}: its name is not UTF-8, and cannot be kept in a file", hint="Rename it.")
    data = recipe.config.data
    found = folders.find(paths[0], paths[1] if len(paths) > 1 else None, (data.domain_a, data.domain_b))
    named = replace(data, domain_a=found.names[0], domain_b=found.names[1])
    config = replace(recipe.config, data=named)
    return replace(recipe, config=config, folders=absolute), found


def check_run(out: Output, run: "RunFolder", *, resume: bool, overwrite: bool) -> None:
    """Check that the folder is free for the run, unless it may hold one.

    Raises:
        OutputError: it holds a run, and neither `--resume` nor `--overwrite` is given.
    """
    if not (resume or overwrite):
        run.require_free()
    elif resume and not run.has_checkpoints():
        out.note(f"{run.path} holds no checkpoint: starting from the beginning")


def make_plan(
    out: Output,
    spec: MethodSpec,
    recipe: Recipe,
    folders: "Folders",
    run: "RunFolder",
    settings: "Options",
    device: str,
    offline: bool,
) -> "Plan":
    """Find the device and the feature network, and settle the precision.

    Raises:
        DeviceError: the device is not there.
        WeightsError: the feature network cannot be had.
    """
    import torch

    from imgxlate import checkpoint
    from imgxlate.inference.device import find_device, find_dtype
    from imgxlate.training.plan import Plan

    where = find_device(device)
    dtype = find_dtype(recipe.config.precision, where)
    config = replace(recipe.config, precision="bf16" if dtype is torch.bfloat16 else "fp32")
    name = config.features
    features = checkpoint.read(loading.find_features(out, name, offline=offline)) if name else None
    plan = Plan(spec, config, folders, run, settings, where, dtype, features, recipe.preset, out.note)
    out.note(
        f"{spec.name} ({recipe.preset}) on {where} in {config.precision}: "
        f"{len(folders.train_a)} images of {folders.names[0]}, {len(folders.train_b)} of {folders.names[1]}"
    )
    return plan


def run(out: Output, plan: "Plan", recipe: Recipe, *, resume: bool, is_main: bool) -> None:
    """Train to the end, or until somebody asks to end.

    Raises:
        ImgxlateError: as the trainer raises it.
        KeyboardInterrupt, TerminatedError: somebody asked; all is saved.
    """
    from imgxlate.training.trainer import open_trainer

    started = time.perf_counter()
    view = TrainingView(out, f"{plan.spec.name} {plan.preset}", plan.config.batch_size, plan.run.latest_sample)
    losses: Mapping[str, float] = {}
    with _way_on(out, plan), open_trainer(plan, resume=resume) as trainer:
        if is_main:
            plan.run.write_config(recipes.to_toml(replace(recipe, config=plan.config)))
        with view.shown(), contextlib.closing(trainer.run()) as steps:
            for progress in steps:
                view.update(progress)
                losses = progress.losses
                if progress.saved:
                    _record(out, _line(plan, progress.saved, progress.step, losses, time.perf_counter() - started))
    _record(out, _line(plan, plan.run.model, trainer.step, losses, time.perf_counter() - started))
    if not out.as_json:
        out.note(f"{plan.run.model}, for `imgxlate translate {plan.spec.name} INPUT --checkpoint {plan.run.path}`")


@contextlib.contextmanager
def _way_on(out: Output, plan: "Plan") -> Iterator[None]:
    """Say how to go on with a run that somebody asks to end."""
    try:
        yield
    except (KeyboardInterrupt, TerminatedError):
        if plan.run.has_checkpoints():
            out.note(f"go on with `imgxlate train {plan.spec.name} --out {plan.run.path} --resume`")
        raise


def _record(out: Output, values: Mapping[str, Any]) -> None:
    """Print a line of JSON; training goes on where nobody reads it any more."""
    with contextlib.suppress(typer.Exit, OutputError):
        out.record(values)


def _line(plan: "Plan", path: Path, step: int, losses: Mapping[str, float], seconds: float) -> dict[str, Any]:
    return {
        "output": str(path),
        "method": plan.spec.name,
        "preset": plan.preset,
        "step": step,
        "iterations": plan.config.iterations,
        "losses": dict(losses),
        "seconds": round(seconds, 3),
    }
