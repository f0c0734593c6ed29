"""`train`: a training run, from its configuration to its model."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.config import require_at_least, require_choice
from imgxlate.data import leaks
from imgxlate.data.folders import Folders
from imgxlate.errors import UsageError
from imgxlate.inference import loading
from imgxlate.inference.model import Model
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.torchrun import find_rank
from imgxlate.training import budget, evaluations, history, image_formats, quality, recipes, split_file
from imgxlate.training import start as starts
from imgxlate.training.evaluations import FEWEST_IMAGES, Evaluation, is_due
from imgxlate.training.history import Entry
from imgxlate.training.plan import Plan
from imgxlate.training.preparation import OpenStart, make_plan, start_of
from imgxlate.training.recipes import OnNan, Recipe
from imgxlate.training.resuming import check_folder, resumed_configuration
from imgxlate.training.run_folder import RunFolder
from imgxlate.training.run_images import find_images, with_images
from imgxlate.training.trainer import StepResult, open_trainer


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run. `imgxlate.train` returns it."""

    folder: Path  # configuration, history, curves, samples, checkpoints and model
    recipe: Recipe  # the configuration, with the origin of each value
    step: int  # number of training steps done

    @property
    def model(self) -> Model:
        """The best model, or the last if none was evaluated; loaded anew at each access.

        `imgxlate.load(method, checkpoint=folder)` does the same.
        """
        return loading.load(self.recipe.method, checkpoint=self.folder)

    @property
    def history(self) -> list[Entry]:
        """The losses, time and duration of every step."""
        return list(history.read(RunFolder(self.folder).history))

    @property
    def quality(self) -> list[Evaluation]:
        """The evaluations of the model."""
        return evaluations.read(RunFolder(self.folder).quality)


def train(
    method: str | Recipe,
    data_a: str | Path | None = None,
    data_b: str | Path | None = None,
    *,
    out: str | Path,
    preset: str | None = None,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    start: str | Path | None = None,
    hours: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    offline: bool = False,
    keep: int = 2,
    on_nan: OnNan = "stop",
    compiled: bool = False,
    tensorboard: bool = False,
    threads: int | Literal["auto"] | None = None,
    on_step: Callable[[StepResult], None] | None = None,
    on_evaluation: Callable[[Evaluation], None] | None = None,
    progress: Progress = ignore,
    notify: Notify = ignore,
) -> Run:
    """Train a model that translates images of one kind into images of another, from a folder of each.

        >>> run = imgxlate.train("cyclegan", "summer/", "winter/", out="runs/winter", preset="tiny",
        ...                      settings={"iterations": 2, "data.workers": 0})
        >>> run.step, len(run.history)
        (2, 2)
        >>> images = run.model.translate("photo.jpg")

    Args:
        method: The name of a method, or a configuration that `recipes.resolve` returned.
        data_a: Images of the first kind, or a folder that holds trainA and trainB. None: the images of the resumed run.
        data_b: Images of the second kind.
        out: The folder of the run, created if it is missing.
        preset: The preset to start from; see `imgxlate methods`. None: the original's configuration.
        config: TOML of ours, or an original's configuration file.
        settings: Values by key, such as {"iterations": 5000, "gen.dim": 32}.
        start: The model to begin from: a name of `imgxlate weights list`, the folder of a run, or a file. Preset and
            architecture are the model's, unless `preset`, `config` or `settings` say otherwise.
        hours: The time to fill. A step is measured first, then the number of steps is chosen; size and width, too,
            unless `preset`, `config` or `start` set them.
        resume: Continue from the newest checkpoint in `out`, if there is one.
        overwrite: Remove the run that is in `out`.
        device: auto, cpu, cuda, cuda:N or mps.
        offline: Do not use the network.
        keep: Number of checkpoints to keep.
        on_nan: On a loss that is NaN: stop, or go back to the last checkpoint and take other images.
        compiled: Compile the networks with torch.compile first.
        tensorboard: Also write event files for TensorBoard.
        threads: Number of torch's threads, which stays set for the process. "auto": all of them, or one where that is
            faster. None: as it is.
        on_step: Called after each step with its number and losses.
        on_evaluation: Called after each evaluation with its numbers.
        progress: Called while weights are downloaded.
        notify: Called with messages for the user.

    In the main thread, Ctrl-C and SIGTERM finish the step, save, and raise KeyboardInterrupt and TerminatedError; a
    second one ends the process at once. Under torchrun, each process computes its part of each batch. Only the main
    process writes files and calls `on_evaluation`, `progress` and `notify`.

    Raises:
        UsageError: the configuration or an argument is invalid, or differs from the run to resume; or no images are
            found.
        ImageError: a folder cannot be read, or it holds no image that can be read.
        OutputError: `out` holds a run and neither `resume` nor `overwrite` is set, or it cannot be written.
        CheckpointError: the checkpoints to resume from, or the model to begin from, are damaged, or of another method.
        WeightsError: the model to begin from, or the feature network of the perceptual loss, cannot be found.
        DivergedError: a loss is NaN or infinite. All checkpoints are kept.
        DeviceError: this machine has no such device, or another process was lost.
    """
    require_choice(OnNan, on_nan=on_nan)
    if isinstance(threads, str) and threads != "auto":
        raise UsageError(f"threads is {threads!r}, but must be a number or 'auto'")
    require_at_least(1, keep=keep, threads=None if threads == "auto" else threads)
    run, is_main = RunFolder(Path(out)), find_rank().is_main
    progress, notify = (progress, notify) if is_main else (ignore, ignore)
    open_start = partial(starts.find, offline=offline, progress=progress, notify=notify)
    begun = resumed_configuration(run, resume=resume, overwrite=overwrite)
    recipe = _recipe(method, begun, open_start, preset, config, settings, start, hours)
    given = [Path(data) for data in (data_a, data_b) if data is not None]
    with run.claimed() if is_main else contextlib.nullcontext():
        if is_main:
            check_folder(run, recipe.config.checkpoint_every, resume=resume, overwrite=overwrite, notify=notify)
        resumed = run if resume and run.has_checkpoints() else None
        images = find_images(recipe, given, resumed, notify)
        recipe = with_images(recipe, images, given, notify)
        recipe = image_formats.settle(recipe, images, resumed=begun is not None, notify=notify)
        plan = replace(
            make_plan(recipe, images, run, device, threads, offline, progress, notify),
            start=None if resumed else start_of(recipe, run, open_start),
            on_evaluation=on_evaluation or ignore,
            keep=keep,
            on_nan=on_nan,
            compiled=compiled,
            tensorboard=tensorboard,
        )
        if recipe.hours is not None:
            recipe = with_images(budget.choose(recipe, recipe.hours, plan), images, given)
            plan = replace(plan, config=recipe.config, preset=recipe.preset)
        recipe = replace(recipe, config=plan.config)
        _announce(recipe, plan)
        if is_main and not resumed:
            leaks.warn(images, notify)
        with open_trainer(plan, resume=resume) as trainer:
            if is_main:
                _keep(recipe, images, run, resumed)
            with contextlib.closing(trainer.run()) as steps:
                for step in steps:
                    if on_step:
                        on_step(step)
        return Run(run.path, recipe, trainer.step)


def _recipe(
    method: str | Recipe,
    begun: Path | None,
    open_start: OpenStart,
    preset: str | None,
    config: str | Path | None,
    settings: Mapping[str, Any] | None,
    start: str | Path | None,
    hours: float | None,
) -> Recipe:
    """The configuration of a run from the arguments of `train`. `begun` is the file of the run to resume."""
    if isinstance(method, Recipe):
        if any(each is not None for each in (preset, config, settings, start, hours)):
            raise UsageError("a recipe includes preset, config, settings, start and hours: give either it or them")
        return method
    return recipes.resolve(
        registry.find(method, Capability.TRAIN),
        preset=preset,
        file=None if config is None else Path(config),
        options={key: ("settings", value) for key, value in (settings or {}).items()},
        resumed=begun,
        start=None if start is None else str(start),
        open_start=open_start,
        hours=hours,
    )


def _announce(recipe: Recipe, plan: Plan) -> None:
    """Tell the user what is trained on which images, and how it is evaluated."""
    images, config = plan.folders, plan.config
    model = next((f", {origin}" for origin in recipe.origins.values() if origin.startswith("architecture of ")), "")
    plan.notify(
        f"{plan.spec.name} ({plan.preset}{model}) on {plan.device} in {config.precision}: "
        f"{len(images.train_a)} images of {images.names[0]}, {len(images.train_b)} of {images.names[1]}"
        + (f"; {images.set_aside} others are set aside" if images.set_aside else "")
    )
    if plan.is_evaluated:
        plan.notify(quality.description(plan))
    elif config.evaluate_every or config.patience:
        useless = ", so --patience has no effect" if config.patience else ""
        every, last = config.evaluate_every, config.iterations
        reason = f"--evaluate-every is {every}, --iterations {last}"
        if is_due(last, config):
            reason = f"they need {FEWEST_IMAGES} test images of each domain"
        plan.notify(f"no evaluations{useless}: {reason}")


def _keep(recipe: Recipe, images: Folders, run: RunFolder, resumed: RunFolder | None) -> None:
    """Write what a resumed run takes from the folder beside the checkpoints: its test images and its configuration.

    Raises:
        OutputError: a file cannot be written.
    """
    if not (resumed and run.split.exists()):
        split_file.write(run.split, images)
    run.write_config(recipes.to_toml(recipe))
