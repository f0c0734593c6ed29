"""`model.safetensors`: the generators of a run, as `imgxlate translate` loads them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imgxlate import __version__, checkpoint
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.inference.device import Arithmetic, require_exact
from imgxlate.inference.loading import formats_in
from imgxlate.inference.model import Model
from imgxlate.methods import registry
from imgxlate.methods.spec import Domain, MethodSpec

TARGET: Domain = "B"  # The direction to take by default; every method trains it.


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCard:
    """How a model was trained."""

    preset: str  # the preset that the configuration is derived from
    iterations: int  # training steps in all
    batch_size: int
    seed: int
    precision: str  # "fp32" or "bf16"
    ema: float  # decay of the averaged weights; 0: the weights are not averaged
    images_a: int  # number of training images
    images_b: int
    size: int | None  # the shorter side that images were scaled to, in pixels; None: they were not scaled
    accumulate: int = 1  # batches in a step
    start: Mapping[str, Any] | None = None  # the model that the training began from, and what it took from it
    imgxlate: str = __version__
    date: str = dataclasses.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def write_model(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any], *, step: int, card: TrainingCard
) -> None:
    """Write the generators after `step` steps. `header` is the result of `model_header`.

    Raises:
        OutputError: the file cannot be written.
    """
    checkpoint.write(path, tensors, {**header, "step": step, "card": dataclasses.asdict(card)})


def step_of(path: Path) -> int:
    """The step of the model in a file, or 0 if there is no model."""
    try:
        step = checkpoint.read(path).header.get("step") if path.exists() else None
    except CheckpointError:
        return 0
    return step if isinstance(step, int) else 0


def build_model(
    spec: MethodSpec,
    tensors: Mapping[str, Tensor],
    header: Mapping[str, Any],
    device: torch.device,
    arithmetic: Arithmetic,
) -> Model:
    """Build a model from the weights of generators in training. It may share their memory."""
    detached = {name: tensor.detach() for name, tensor in tensors.items()}
    translator = registry.implementation(spec).from_checkpoint(Checkpoint(Path("model"), detached, header), {})
    require_exact(device, arithmetic.dtype)
    translator.place(device, arithmetic.dtype)
    first, second = header["domains"]
    formats = formats_in(header, translator.config)
    return Model(spec, spec.name, translator, (first, second), device, arithmetic, formats=formats)
