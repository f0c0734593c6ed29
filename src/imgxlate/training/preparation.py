"""What a run needs before its first step: a device, the networks that measure, and the model to begin from."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from imgxlate import checkpoint
from imgxlate.callbacks import Notify, Progress
from imgxlate.checkpoint import Checkpoint
from imgxlate.data.folders import Folders
from imgxlate.errors import UsageError
from imgxlate.inference.device import find_arithmetic, find_device, find_precision
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodSpec
from imgxlate.threads import AdaptiveThreads
from imgxlate.torchrun import find_rank
from imgxlate.training.evaluator import find_inception
from imgxlate.training.plan import Plan
from imgxlate.training.recipes import Recipe
from imgxlate.training.run_folder import RunFolder
from imgxlate.training.start import Start
from imgxlate.weights.store import Store, find_features

OpenStart = Callable[[MethodSpec, str], Start]
"""Reads the model of that name for a method."""


def make_plan(
    recipe: Recipe,
    images: Folders,
    run: RunFolder,
    device: str,
    threads: int | Literal["auto"] | None,
    offline: bool,
    progress: Progress,
    notify: Notify,
) -> Plan:
    """The plan of a run, with the values that this machine decides. Weights are downloaded if necessary.

    Raises:
        DeviceError: this machine has no such device.
        WeightsError: the feature network of the perceptual loss, or the network for evaluations, cannot be found.
    """
    spec, config = registry.find(recipe.method, Capability.TRAIN), recipe.config
    found_device = find_device(device)
    precision = find_precision(config.precision, found_device)
    inception = find_inception(config, offline, progress, notify) if find_rank().is_main else None
    return Plan(
        spec=spec,
        config=replace(config, precision=precision, metrics="published" if inception else "vgg19"),
        preset=recipe.preset,
        features=_find_features(config.features, offline, progress, notify),
        folders=images,
        run=run,
        device=found_device,
        arithmetic=find_arithmetic(precision, found_device),
        notify=notify,
        threads=None if threads is None else AdaptiveThreads(None if threads == "auto" else threads, found_device),
        inception=inception,
    )


def start_of(recipe: Recipe, run: RunFolder, open_start: OpenStart) -> Callable[[], Start] | None:
    """A function that reads the model which a new run begins from, if it begins from one.

    Raises:
        UsageError: the model belongs to the run that this one replaces.
    """
    if recipe.start is None:
        return None
    path = Path(recipe.start)
    if path.is_absolute() and path.resolve().is_relative_to(run.path.resolve()):
        raise UsageError(f"the run would replace {recipe.start}, which it begins from", hint="Give another --out.")
    return partial(open_start, registry.find(recipe.method, Capability.TRAIN), recipe.start)


def _find_features(name: str | None, offline: bool, progress: Progress, notify: Notify) -> Checkpoint | None:
    """The feature network that the configuration names, downloaded if necessary.

    Raises:
        WeightsError: it cannot be found.
    """
    download = partial(Store().path, offline=offline, progress=progress, notify=notify)
    return checkpoint.read(find_features(name, download)) if name else None
