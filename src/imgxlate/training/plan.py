"""The settings of a training run, and whether a checkpoint belongs to it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from imgxlate.callbacks import Notify, ignore
from imgxlate.checkpoint import TRAINING, Checkpoint
from imgxlate.config import dotted, flattened, from_mapping
from imgxlate.data.folders import Folders
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.inference.device import Arithmetic
from imgxlate.methods.spec import MethodSpec, TrainingConfig
from imgxlate.threads import AdaptiveThreads
from imgxlate.training.changes import changes
from imgxlate.training.evaluations import FEWEST_IMAGES, Evaluation, is_due
from imgxlate.training.recipes import OnNan
from imgxlate.training.run_folder import RunFolder
from imgxlate.training.start import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A training run: the method, its configuration, the images, the device and the folder of the run."""

    spec: MethodSpec
    config: TrainingConfig
    preset: str  # the preset that `config` is derived from
    features: Checkpoint | None  # the feature network that `config.features` names
    folders: Folders
    run: RunFolder
    device: torch.device
    arithmetic: Arithmetic
    notify: Notify  # called with messages for the user
    start: Callable[[], Start] | None = None  # reads the model to begin from; None: none, or the run has a checkpoint
    threads: AdaptiveThreads | None = None  # None: torch's number stays as it is
    inception: Checkpoint | None = None  # FID's network, for evaluations; None: the bundled VGG-19 takes its place
    on_evaluation: Callable[[Evaluation], None] = ignore
    # The following do not change the result.
    keep: int = 2  # checkpoints to keep
    on_nan: OnNan = "stop"
    compiled: bool = False
    tensorboard: bool = False

    @property
    def is_evaluated(self) -> bool:
        """Whether the run is long enough for an evaluation, and has enough test images."""
        fewest = min(len(self.folders.test_a), len(self.folders.test_b))
        return is_due(self.config.iterations, self.config) and fewest >= FEWEST_IMAGES


def require_resumable(plan: Plan, checkpoint: Checkpoint, notify: Notify) -> None:
    """Check that the run can continue from `checkpoint`. `notify` is called with each difference that is allowed.

    Raises:
        CheckpointError: the checkpoint is not one of this method's training.
        UsageError: a value that may not change has changed, or the run has done more steps than it should take.
    """
    header = checkpoint.header
    if (header.get("kind"), header["method"]) != (TRAINING, plan.spec.name):
        raise CheckpointError(
            f"{checkpoint.path}: is a checkpoint of {header['method']}, not of {plan.spec.name}",
            hint="Give the method that the run began with, or another --out.",
        )
    if header["step"] > plan.config.iterations:
        raise UsageError(
            f"{plan.run.path} has done {header['step']} steps, more than the {plan.config.iterations} that are set",
            hint=f"Type `--iterations {header['step']}` or more, or more `--epochs`.",
        )
    # A run that is older than an option has no value for it, and so takes any.
    known = flattened(plan.config) | dotted(header["config"])
    old = from_mapping(type(plan.config), known, origin=str(checkpoint.path))
    for change in changes(old, plan.config):
        notify(f"changed: {change}")
    if header["pictures"] != plan.folders.digest:
        notify("the training images have changed since the run began: from here on, other images are drawn")


def keep_threads(plan: Plan, checkpoint: Checkpoint) -> None:
    """Compute in the number of threads that was set when the run began, unless one is set now."""
    number = checkpoint.header.get("threads")
    if isinstance(number, int) and plan.threads and plan.threads.fixed is None:
        plan.threads.fix(number)
