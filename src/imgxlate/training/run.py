"""`train`: a training run, from its configuration to its model."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from imgxlate import checkpoint
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.checkpoint import Checkpoint
from imgxlate.config import require_at_least, require_choice
from imgxlate.data import folders, leaks
from imgxlate.data.folders import Folders
from imgxlate.errors import OutputError, UsageError
from imgxlate.inference import loading
from imgxlate.inference.device import find_arithmetic, find_device, find_precision
from imgxlate.inference.model import Model
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodSpec
from imgxlate.threads import AdaptiveThreads
from imgxlate.torchrun import find_rank
from imgxlate.training import budget, evaluations, history, image_formats, quality, recipes
from imgxlate.training import start as starts
from imgxlate.training.evaluations import Evaluation
from imgxlate.training.evaluator import find_inception
from imgxlate.training.history import Entry
from imgxlate.training.plan import Plan
from imgxlate.training.recipes import OnNan, Recipe
from imgxlate.training.run_folder import RunFolder
from imgxlate.training.start import Start
from imgxlate.training.trainer import StepResult, open_trainer
from imgxlate.weights.store import Store, find_features


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
    on_step: Callable[[StepResult], None] = ignore,
    on_evaluation: Callable[[Evaluation], None] = ignore,
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
    run = RunFolder(Path(out))
    is_main = find_rank().is_main
    progress, notify = (progress, notify) if is_main else (ignore, ignore)
    open_start = partial(starts.find, offline=offline, progress=progress, notify=notify)
    if isinstance(method, Recipe):
        if any(each is not None for each in (preset, config, settings, start, hours)):
            raise UsageError("a recipe includes preset, config, settings, start and hours: give either it or them")
        require_resume_or_overwrite(resume=resume, overwrite=overwrite)
        recipe = method
    else:
        recipe = recipes.resolve(
            registry.find(method, Capability.TRAIN),
            preset=preset,
            file=None if config is None else Path(config),
            options={key: ("settings", value) for key, value in (settings or {}).items()},
            resumed=resumed_configuration(run, resume=resume, overwrite=overwrite),
            start=None if start is None else str(start),
            open_start=open_start,
            hours=hours,
        )
    spec = registry.find(recipe.method, Capability.TRAIN)
    epochs = recipe.config.epochs
    given = [Path(data) for data in (data_a, data_b) if data is not None]
    recipe, images = find_images(recipe, given, notify)
    recipe = image_formats.settle(recipe, images, resumed=resume and run.config.exists(), notify=notify)
    if epochs and recipe.config.epochs is None:
        larger = max(len(images.train_a), len(images.train_b))
        once = "epoch" if epochs == 1 else "epochs"
        notify(f"{epochs} {once} of {larger} images: {recipe.config.iterations} steps")
    with run.claimed() if is_main else contextlib.nullcontext():
        if is_main:
            _check_folder(run, recipe.config.checkpoint_every, resume=resume, overwrite=overwrite, notify=notify)
        found_device = find_device(device)
        precision = find_precision(recipe.config.precision, found_device)
        inception = find_inception(recipe.config, offline, progress, notify) if is_main else None
        metrics: Literal["published", "vgg19"] = "published" if inception else "vgg19"
        recipe = replace(recipe, config=replace(recipe.config, precision=precision, metrics=metrics))
        plan = Plan(
            spec=spec,
            config=recipe.config,
            preset=recipe.preset,
            features=_find_features(recipe.config.features, offline, progress, notify),
            folders=images,
            run=run,
            device=found_device,
            arithmetic=find_arithmetic(precision, found_device),
            notify=notify,
            start=_find_start(spec, recipe, run, resume, open_start),
            threads=None if threads is None else AdaptiveThreads(None if threads == "auto" else threads, found_device),
            inception=inception,
            on_evaluation=on_evaluation,
            keep=keep,
            on_nan=on_nan,
            compiled=compiled,
            tensorboard=tensorboard,
        )
        if recipe.hours is not None:
            recipe, _ = find_images(budget.choose(recipe, recipe.hours, plan), list(recipe.folders))
            plan = replace(plan, config=recipe.config, preset=recipe.preset)
        model = next((f", {origin}" for origin in recipe.origins.values() if origin.startswith("architecture of ")), "")
        notify(
            f"{spec.name} ({recipe.preset}{model}) on {found_device} in {recipe.config.precision}: "
            f"{len(images.train_a)} images of {images.names[0]}, {len(images.train_b)} of {images.names[1]}"
            + (f"; {images.set_aside} others are set aside for evaluations" if images.set_aside else "")
        )
        if plan.is_evaluated:
            notify(quality.description(plan))
        elif recipe.config.patience:
            every, last = recipe.config.evaluate_every, recipe.config.iterations
            notify(f"no evaluations, so --patience has no effect: --evaluate-every is {every}, --iterations {last}")
        if is_main and not (resume and run.has_checkpoints()):
            leaks.warn(images, notify)
        with open_trainer(plan, resume=resume) as trainer:
            if is_main:
                run.write_config(recipes.to_toml(recipe))
            with contextlib.closing(trainer.run()) as steps:
                for step in steps:
                    on_step(step)
        return Run(run.path, recipe, trainer.step)


def resumed_configuration(run: RunFolder, *, resume: bool, overwrite: bool) -> Path | None:
    """The configuration file of the run to resume, if there is one.

    Raises:
        UsageError: the options contradict each other.
    """
    require_resume_or_overwrite(resume=resume, overwrite=overwrite)
    return run.config if resume and run.config.exists() else None


def require_resume_or_overwrite(*, resume: bool, overwrite: bool) -> None:
    """Check that at most one of the two is set.

    Raises:
        UsageError: both are.
    """
    if resume and overwrite:
        raise UsageError("resume and overwrite exclude each other")


def find_images(recipe: Recipe, given: list[Path], notify: Notify = ignore) -> tuple[Recipe, Folders]:
    """The training images, and the recipe with their folders, the names of the domains, and the number of steps.

    Raises:
        UsageError: no folders are given, or they hold no images.
    """
    paths = given or list(recipe.folders)
    if not paths:
        raise UsageError(
            "a run needs training images",
            hint="Type `imgxlate train METHOD DATA_A DATA_B --out RUN`, or one folder that holds trainA and trainB.",
        )
    absolute = tuple(path.absolute() for path in paths)
    for path in absolute:
        if any("\ud800" <= letter <= "\udfff" for letter in str(path)):  # surrogates, which stand for undecodable bytes
            raise UsageError(
                f"{path!a}: the name is not UTF-8, so the configuration cannot store it", hint="Rename it."
            )
    config, data = recipe.config, recipe.config.data
    test_a, test_b = (str(Path(test).absolute()) if test else "" for test in (data.test_a, data.test_b))
    names = data.domain_a, data.domain_b
    found = folders.find(
        paths[0], paths[1] if len(paths) > 1 else None, names, (test_a, test_b), notify, registry.labels()
    )
    if config.evaluate_every:
        found = folders.hold_out(found, config.held_out)
    named = replace(data, domain_a=found.names[0], domain_b=found.names[1], test_a=test_a, test_b=test_b)
    recipe = recipes.without_epochs(recipe, max(len(found.train_a), len(found.train_b)))
    return replace(recipe, config=replace(recipe.config, data=named), folders=absolute), found


def _check_folder(run: RunFolder, checkpoint_every: int, *, resume: bool, overwrite: bool, notify: Notify) -> None:
    """Check that the run would not replace an older one.

    Raises:
        OutputError: the folder holds a run, and neither `resume` nor `overwrite` is set; or it holds a model, or the
            losses of steps that a lost checkpoint followed, but no checkpoint to resume from.
    """
    if overwrite:
        return
    if not resume:
        run.require_free()
    elif not run.has_checkpoints():
        lost = run.models() or ((run.history,) if history.count(run.history) > checkpoint_every else ())
        if lost:
            raise OutputError(
                f"{run.path}: holds {lost[0].name} but no checkpoint to resume from",
                hint="Restore its checkpoints/, give another --out, or replace it with --overwrite, not --resume.",
            )
        notify(f"{run.path} holds no checkpoint: starting from the beginning")


def _find_start(
    spec: MethodSpec, recipe: Recipe, run: RunFolder, resume: bool, open_start: Callable[[MethodSpec, str], Start]
) -> Callable[[], Start] | None:
    """A function that reads the model which the run begins from, unless the run continues from a checkpoint.

    Raises:
        UsageError: the model belongs to the run that this one replaces.
    """
    if recipe.start is None or (resume and run.has_checkpoints()):
        return None
    path = Path(recipe.start)
    if path.is_absolute() and path.resolve().is_relative_to(run.path.resolve()):
        raise UsageError(f"the run would replace {recipe.start}, which it begins from", hint="Give another --out.")
    return partial(open_start, spec, recipe.start)


def _find_features(name: str | None, offline: bool, progress: Progress, notify: Notify) -> Checkpoint | None:
    """The feature network that the configuration names, downloaded if necessary.

    Raises:
        WeightsError: it cannot be found.
    """
    download = partial(Store().path, offline=offline, progress=progress, notify=notify)
    return checkpoint.read(find_features(name, download)) if name else None
