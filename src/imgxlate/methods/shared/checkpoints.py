"""Builds networks from tensors: infers the configuration, and loads the tensors."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.config import from_mapping, shown
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods.spec import MethodConfig
from imgxlate.nn import NormKind

Network = TypeVar("Network", bound=nn.Module)
Config = TypeVar("Config", bound=MethodConfig)

_STATISTICS = (".running_mean", ".running_var", ".num_batches_tracked")
_SHOWN = 3  # mismatches in a message


def size(tensors: Mapping[str, Tensor], name: str, axis: int, path: Path) -> int:
    """The length of one axis of a tensor.

    Raises:
        CheckpointError: there is no such tensor, or no such axis.
    """
    if name not in tensors or tensors[name].dim() <= axis:
        raise CheckpointError(f"{path}: the tensor {name} is missing, or has too few axes", hint="Is the file whole?")
    return tensors[name].shape[axis]


def count(tensors: Mapping[str, Tensor], pattern: str, first: int = 0) -> int:
    """The number of tensors named `pattern`, with `first`, `first` + 1, ... in place of {}, up to the first gap."""
    return next(number for number in itertools.count() if pattern.format(first + number) not in tensors)


def visible_norm(tensors: Mapping[str, Tensor], name: str) -> dict[str, NormKind]:
    """The kind of the normalization layer `name`, as a field of a configuration; empty if it has no parameters.

    Running statistics without parameters come from torch 0.3, which stored them for instance norms and never used them.
    """
    if f"{name}.weight" not in tensors:
        return {}
    return {"norm": "batch" if f"{name}.running_mean" in tensors else "instance_affine"}


def section(options: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The part `name` of an original's configuration file; empty if there is no file.

    Raises:
        UsageError: the file has no such part.
    """
    if not options:
        return {}
    part = options.get(name)
    if not isinstance(part, Mapping):
        raise UsageError(
            f"the configuration has no section {name!r}", hint="Give the yaml that the model was trained with."
        )
    return part


def configure(cls: type[Config], seen: Mapping[str, Any], stated: Mapping[str, Any], checkpoint: Checkpoint) -> Config:
    """The configuration that the weights show, completed by the header of our own checkpoints, then by `stated`.

    Raises:
        CheckpointError: a value in the checkpoint differs from the stated one (names both), the weights show an invalid
            value, or the header is malformed.
        UsageError: `stated` has an unknown key or a value of the wrong type.
    """
    architecture = checkpoint.header.get("architecture") if checkpoint.header else {}
    if not isinstance(architecture, dict):
        raise CheckpointError(f"{checkpoint.path}: its header does not state the architecture")
    source = "its header" if checkpoint.header else "its weights"
    try:
        config = _completed(cls, seen, architecture, checkpoint, source)
    except UsageError as error:
        raise CheckpointError(f"{checkpoint.path}: {error}", hint=error.hint) from error
    known = dataclasses.asdict(config) if checkpoint.header else seen
    return _completed(cls, known, stated, checkpoint, "the configuration")


def build(make: Callable[[], Network], tensors: Mapping[str, Tensor], origin: str) -> Network:
    """The network that `make` makes, with `tensors`: in float32, for inference.

    Running statistics that the network lacks are dropped; a missing count of batches is 0.

    Raises:
        CheckpointError: a tensor is missing, left over, or of another shape; names it.
    """
    with torch.device("meta"):
        network = make()
    wanted = network.state_dict()
    given = {name: tensor for name, tensor in tensors.items() if name in wanted or not name.endswith(_STATISTICS)}
    for name in wanted:
        if name.endswith(".num_batches_tracked"):
            given.setdefault(name, torch.tensor(0))
    _require_fit(wanted, given, origin)
    network.load_state_dict({name: _as_float32(tensor) for name, tensor in given.items()}, assign=True)
    return network.eval().requires_grad_(False)


def _completed(
    cls: type[Config], seen: Mapping[str, Any], stated: Mapping[str, Any], checkpoint: Checkpoint, source: str
) -> Config:
    config = from_mapping(cls, {**seen, **stated}, origin=source)
    for key, value in seen.items():
        other = getattr(config, key)
        if other != value:
            raise CheckpointError(
                f"{checkpoint.path}: {key} is {value!r} in the checkpoint, but {shown(other)} in {source}",
                hint="Give the configuration that this model was trained with, or none.",
            )
    return config


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _require_fit(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], origin: str) -> None:
    missing = [f"{name} is missing" for name in wanted if name not in given]
    surplus = [f"{name} is unexpected" for name in given if name not in wanted]
    shapes = [
        f"{name} is {tuple(given[name].shape)} where {tuple(wanted[name].shape)} is expected"
        for name in wanted
        if name in given and given[name].shape != wanted[name].shape
    ]
    mismatches = missing + surplus + shapes
    if mismatches:
        more = f", and {len(mismatches) - _SHOWN} more" if len(mismatches) > _SHOWN else ""
        raise CheckpointError(
            f"{origin}: the weights do not fit: {'; '.join(mismatches[:_SHOWN])}{more}",
            hint="The file may be of a variant of the original's network, which is not supported.",
        )
