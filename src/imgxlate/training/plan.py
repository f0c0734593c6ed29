"""What is to be trained, on what and where."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.folders import Folders
from imgxlate.methods.spec import MethodSpec, TrainingConfig
from imgxlate.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Options:
    """What does not change the result of a run."""

    keep: int = 2  # checkpoints to keep
    on_nan: Literal["stop", "rollback"] = "stop"
    compiled: bool = False
    tensorboard: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A run before it begins."""

    spec: MethodSpec
    config: TrainingConfig
    folders: Folders
    run: RunFolder
    options: Options
    device: torch.device
    dtype: torch.dtype
    features: Checkpoint | None  # what `config.features` names
    preset: str  # the named configuration that `config` is derived from
    notify: Callable[[str], None]  # told what a person should know
