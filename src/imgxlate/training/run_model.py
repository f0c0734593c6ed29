"""`model.safetensors`: the generators that a training made, as `imgxlate translate` takes them."""

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
from imgxlate.inference.device import require_exact
from imgxlate.inference.loading import model_header
from imgxlate.inference.model import Model
from imgxlate.methods import registry
from imgxlate.methods.spec import Domain, MethodConfig, MethodSpec

TARGET: Domain = "B"  # Training is of both directions; a model translates to B where nothing else is asked for.


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCard:
    """How a model came to be."""

    preset: str  # the named configuration that the run's is derived from
    iterations: int  # steps that the run is to take in all
    batch_size: int
    seed: int
    precision: str  # "fp32" or "bf16"
    ema: float  # decay of the averaged weights; 0: these are the live ones
    images_a: int  # pictures to draw from
    images_b: int
    size: int | None  # what became the shorter side of the pictures, in pixels; None: they were as they came
    imgxlate: str = __version__
    date: str = dataclasses.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def header(method: str, architecture: MethodConfig, domains: tuple[str, str]) -> dict[str, Any]:
    """What is said of generators in training beside their weights."""
    return model_header(method, architecture, domains, TARGET)


def write_model(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any], *, step: int, card: TrainingCard
) -> None:
    """Write the generators after `step` steps, whole or not at all; `header` is what the function of that name gives.

    Raises:
        OutputError: the file cannot be written.
    """
    checkpoint.write(path, tensors, {**header, "step": step, "card": dataclasses.asdict(card)})


def build_model(
    spec: MethodSpec, tensors: Mapping[str, Tensor], header: Mapping[str, Any], device: torch.device, dtype: torch.dtype
) -> Model:
    """A model of generators in training, to be looked at: it may share their memory, and follow them where it does."""
    detached = {name: tensor.detach() for name, tensor in tensors.items()}
    translator = registry.implementation(spec).from_checkpoint(Checkpoint(Path("model"), detached, header), {})
    require_exact(device, dtype)
    translator.place(device, dtype)
    first, second = header["domains"]
    return Model(spec, spec.name, translator, (first, second), device, dtype)
