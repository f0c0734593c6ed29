"""`imgxlate train`: a translation model from two folders of images."""

import contextlib
import shlex
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgxlate import memory, threads
from imgxlate.cli import complete, config_options, loading, options, recipe_table
from imgxlate.cli.output import Output
from imgxlate.cli.training_view import TrainingView
from imgxlate.errors import CheckpointError, OutputError, TerminatedError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, TrainingConfig
from imgxlate.paths import run_model
from imgxlate.torchrun import find_rank
from imgxlate.training import recipes
from imgxlate.training.recipes import Recipe

if TYPE_CHECKING:
    from imgxlate.training.evaluations import Evaluation
    from imgxlate.training.run_folder import RunFolder
    from imgxlate.training.trainer import StepResult

_CONFIGURATION = "Configuration"
_RUN = "Run folder"
_RUNNING = "Running"


@options.command(
    "threads",
    "offline",
    json="Print a JSON object per line, one for each checkpoint and each model.",
    config=TrainingConfig,
    is_base=True,
    after={
        "checkpoint_every": "overwrite",
        "sample_every": "keep",
        "seed": "ema",
        "workers": "domains",
        "precision": "device",
    },
)
def train(
    out: Output,
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="A method of `imgxlate methods`, such as munit.",
            autocompletion=complete.methods_with(Capability.TRAIN),
        ),
    ],
    data_a: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA_A",
            show_default=False,
            help="Images of the first kind, or a folder that holds trainA and trainB.",
        ),
    ] = None,
    data_b: Annotated[
        Path | None, typer.Argument(metavar="DATA_B", show_default=False, help="Images of the second kind.")
    ] = None,
    run_path: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="RUN", help="The folder of the run, created if missing.", rich_help_panel=_RUN
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue from the newest checkpoint in RUN, if there is one.", rich_help_panel=_RUN
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run in RUN.", rich_help_panel=_RUN)
    ] = False,
    keep: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of checkpoints to keep.", rich_help_panel=_RUN)
    ] = 2,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Also write event files for TensorBoard.", rich_help_panel=_RUN),
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The configuration to start from, such as small or tiny: see `imgxlate methods`.",
            autocompletion=complete.training_presets,
            rich_help_panel=_CONFIGURATION,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL|RUN|FILE",
            help="Begin from the weights of a model: a name of `imgxlate weights list`, the folder of a run, a "
            "checkpoint, or an original's file. Preset and architecture are the model's unless you set them.",
            autocompletion=complete.weights,
            rich_help_panel=_CONFIGURATION,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A configuration file: TOML, or an original's yaml.", rich_help_panel=_CONFIGURATION
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any value of the configuration, such as gen.dim=32. Repeatable.",
            rich_help_panel=_CONFIGURATION,
        ),
    ] = None,
    *,
    given: Mapping[str, Any],
    hours: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Fill X hours: measure a step first, then choose size, width and number of steps. With --preset, "
            "--config or --from, and for adain, only the number of steps is chosen.",
            rich_help_panel=_CONFIGURATION,
        ),
    ] = None,
    domains: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME", help="Names of the two kinds of images.", rich_help_panel=_CONFIGURATION),
    ] = None,
    show_config: Annotated[
        bool,
        typer.Option(
            "--show-config",
            help="Print each value, its origin and its meaning, then exit.",
            rich_help_panel=_CONFIGURATION,
        ),
    ] = False,
    device: options.Device = "auto",
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the networks with torch.compile first.", rich_help_panel=_RUNNING)
    ] = False,
    on_nan: Annotated[
        recipes.OnNan,
        typer.Option(help="If a loss is NaN: stop, or go back to the last checkpoint.", rich_help_panel=_RUNNING),
    ] = "stop",
    settings: options.Settings,
) -> None:
    """Train a model that translates images of one kind into images of another, from a folder of each.

    Values that are not given come from the preset. RUN gets the configuration, the losses of every step, samples,
    checkpoints and the model, which `imgxlate translate METHOD --checkpoint RUN` uses. Ctrl-C finishes the step and
    saves. Under torchrun, the processes share each batch.
    """
    is_main = find_rank().is_main
    out = out if is_main else Output(verbosity=-1)
    spec = registry.find(method, Capability.TRAIN)
    values = {key: (config_options.flag(key), value) for key, value in given.items()}
    recipe = recipes.resolve(
        spec,
        preset=preset,
        file=config,
        assignments=assignments or [],
        options=values | _named(options.domain_pair(domains)),
        resumed=_begun(run_path, resume=resume, overwrite=overwrite),
        start=start,
        open_start=partial(loading.open_start, out, offline=settings.offline),
        hours=hours,
    )
    if show_config:
        if recipe.hours is not None:
            out.note("size, width and steps are chosen when the run begins: the table shows the smallest candidate")
        return recipe_table.show(out, _counted(recipe, data_a, data_b)) if is_main else None
    if hours is not None and recipe.hours is None:
        out.note(f"the run keeps its {recipe.config.iterations} steps: --hours chooses only when a run begins")
    if run_path is None:
        raise UsageError("a run needs a folder", hint="Add --out RUN; --show-config alone needs none.")
    loading.import_torch(out)
    memory.keep_freed_memory()
    from imgxlate import train as train_model
    from imgxlate.training.run_folder import RunFolder

    reporter = _Reporter(out, recipe, RunFolder(run_path))
    with reporter.shown():
        run = train_model(
            recipe,
            data_a,
            data_b,
            out=run_path,
            resume=resume,
            overwrite=overwrite,
            device=device,
            offline=settings.offline,
            keep=keep,
            on_nan=on_nan,
            compiled=compiled,
            tensorboard=tensorboard,
            threads=threads.parse(settings.threads) or "auto",
            on_step=reporter.step,
            on_evaluation=reporter.evaluation,
            progress=reporter.show_download,
            notify=out.note,
        )
    reporter.finish(run.step)
    return None


class _Reporter:
    """Shows the steps of a run, and prints a line of JSON for each checkpoint and for the model."""

    def __init__(self, out: Output, recipe: Recipe, run: "RunFolder") -> None:
        self._out = out
        self._recipe = recipe
        self._run = run
        title, images = f"{recipe.method} {recipe.preset}", recipe.config.images_per_step
        self._view = TrainingView(out, title, images, run.latest_sample)
        self.show_download = self._view.show_download
        self._losses: Mapping[str, float] = {}
        self._iterations = recipe.config.iterations
        self._started = time.perf_counter()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show the run within the block. If it is interrupted, or the disk fails, say how to continue."""
        try:
            with self._view.shown():
                yield
        except (KeyboardInterrupt, TerminatedError):
            self._tell_how_to_continue()
            raise
        except OutputError as error:
            if isinstance(error.__cause__, OSError):
                self._tell_how_to_continue()
            raise

    def _tell_how_to_continue(self) -> None:
        with contextlib.suppress(CheckpointError):  # The error that ended the run matters more.
            if self._run.has_checkpoints():
                self._out.note(
                    f"continue with `imgxlate train {self._recipe.method} --out {_quoted(self._run.path)} --resume`"
                )

    def step(self, result: "StepResult") -> None:
        """Show a step."""
        self._view.update(result)
        self._losses, self._iterations = result.losses, result.iterations
        if result.saved:
            self._record(result.saved, result.step)

    def evaluation(self, evaluation: "Evaluation") -> None:
        """Show an evaluation."""
        self._view.show_evaluation(evaluation)
        if evaluation.is_best:
            self._record(self._run.best, evaluation.step, quality=dict(evaluation.quality))

    def finish(self, step: int) -> None:
        """Print the path of the model, which is the result of `step` steps."""
        self._record(self._run.model, step)
        if not self._out.as_json:
            command = f"imgxlate translate {self._recipe.method} INPUT --checkpoint {_quoted(self._run.path)}"
            self._out.note(f"{run_model(self._run.path)}, for `{command}`")

    def _record(self, path: Path, step: int, **more: Any) -> None:
        """Print a line of JSON. Training continues even if nobody reads it."""
        with contextlib.suppress(typer.Exit, OutputError):
            self._out.record(
                {
                    "output": str(path),
                    "method": self._recipe.method,
                    "preset": self._recipe.preset,
                    "step": step,
                    "iterations": self._iterations,
                    "losses": dict(self._losses),
                    "seconds": round(time.perf_counter() - self._started, 3),
                    **more,
                }
            )


def _quoted(path: Path) -> str:
    """The path as a shell takes it."""
    return shlex.quote(str(path))


def _counted(recipe: Recipe, data_a: Path | None, data_b: Path | None) -> Recipe:
    """The recipe with the number of steps that `--epochs` means, if the folders of the images are known."""
    given = [data for data in (data_a, data_b) if data is not None]
    if recipe.config.epochs is None or not (given or recipe.folders):
        return recipe
    from imgxlate.training.run_images import find_images, with_images

    return with_images(recipe, find_images(recipe, given), given)


def _named(domains: tuple[str, str] | None) -> dict[str, tuple[str, Any]]:
    keys = ("data.domain_a", "data.domain_b")
    return {key: ("--domains", name) for key, name in zip(keys, domains or (), strict=False)}


def _begun(run: Path | None, *, resume: bool, overwrite: bool) -> Path | None:
    """The configuration of the run that `--resume` continues, if there is one.

    Raises:
        UsageError: the options contradict each other, or `run` is None.
    """
    if not resume:
        return None
    if run is None:
        raise UsageError("--resume needs the folder of the run", hint="Add --out RUN.")
    from imgxlate.training.resuming import resumed_configuration
    from imgxlate.training.run_folder import RunFolder

    return resumed_configuration(RunFolder(run), resume=resume, overwrite=overwrite)
