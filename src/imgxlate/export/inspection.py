"""Inspects a file of weights: a model of ours, a training checkpoint, or an original's file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imgxlate import checkpoint, paths
from imgxlate.checkpoint import TRAINING, Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.inference.model_tensors import find_networks, readable
from imgxlate.methods import registry
from imgxlate.methods.file_kinds import FileKind, recognize
from imgxlate.methods.protocol import NetworkReading
from imgxlate.methods.spec import DOMAINS
from imgxlate.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Inspection:
    """The facts that a file and its tensors show. None: the file does not say."""

    path: str
    contents: str  # in words
    method: str | None
    step: int | None  # of training
    domains: tuple[str, str] | None
    target: str | None  # the domain to which it translates by default: its name, or A or B
    parameters: int  # numbers in the tensors; in a training checkpoint, those of the optimizers, too
    dtype: str  # "float32", or several
    size: int  # bytes
    payload_sha256: str  # of names, dtypes, shapes and bytes of the tensors
    architecture: Mapping[str, Any] | None
    images: Mapping[str, Any] | None  # channels, range and type of images that are not in color, by domain
    card: Mapping[str, Any] | None  # how a model was trained
    quality: Mapping[str, float] | None  # of the best model of a run: the numbers of its evaluation
    networks: Sequence[NetworkReading]  # the generators, layer by layer
    left_over: Sequence[str]  # the names of tensors that no generator takes, if there are generators
    departures: Mapping[str, str]  # by method, if there are none: at which layer the file departs from its network


def inspect(path: Path) -> Inspection:
    """Inspect a file of weights, or a run's folder: its best model, else its last, else its newest checkpoint.

    Raises:
        CheckpointError: the file cannot be read or is damaged, or the folder is not a run's.
    """
    opened = _opened(path)
    header, tensors = opened.header, opened.tensors
    kind = recognize(tensors)
    method, networks, departures = _networks(opened, kind)
    domains = header.get("domains")
    return Inspection(
        path=str(opened.path),
        contents=_contents(header, kind, method if networks else None),
        method=header.get("method") or method,
        step=header.get("step"),
        domains=(domains[0], domains[1]) if domains else None,
        target=_target(header),
        parameters=sum(tensor.numel() for tensor in _parameters(tensors)),
        dtype=", ".join(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in _parameters(tensors)})),
        size=opened.path.stat().st_size,
        payload_sha256=checkpoint.payload_sha256(tensors),
        architecture=header.get("architecture"),
        images=header.get("images"),
        card=header.get("card"),
        quality=header.get("quality"),
        networks=networks,
        left_over=_left_over(opened, method, networks),
        departures=departures,
    )


def _opened(path: Path) -> Checkpoint:
    if not paths.is_folder(path):
        return checkpoint.read(path)
    model = paths.run_model(path)
    opened = checkpoint.read(model) if model.exists() else RunFolder(path).latest()
    if opened is None:
        raise CheckpointError(
            f"{path}: the folder holds no model and no intact checkpoint", hint="Give the folder of a run, or a file."
        )
    return opened


def _target(header: Mapping[str, Any]) -> str | None:
    """The name of the default target, as the lines of `imgxlate translate --json` have it."""
    target: str | None = header.get("target", "B" if "architecture" in header else None)
    names = dict(zip(DOMAINS, header.get("domains") or DOMAINS, strict=False))
    return names.get(target, target) if target in DOMAINS else target


def _networks(opened: Checkpoint, kind: FileKind | None) -> tuple[str | None, Sequence[NetworkReading], dict[str, str]]:
    """The method whose generators a file holds, the generators, and for the other methods why it holds none of them.

    A file whose names are known has one method. For another file, every method looks for its layers.
    """
    given = opened.header.get("method") or (kind.method if kind else None)
    if opened.header.get("kind") == TRAINING:
        return given, (), {}
    specs, _ = registry.discover()
    method, networks, departures = find_networks(opened, [given] if given else [] if kind else specs)
    return given or method, networks, {} if networks else departures


def _left_over(opened: Checkpoint, method: str | None, networks: Sequence[NetworkReading]) -> list[str]:
    """The names of the tensors that no network takes."""
    if not (method and networks):
        return []
    taken = {name for network in networks for layer in network.layers for name in layer.tensors}
    return [name for name in readable(registry.find(method), opened).tensors if name not in taken]


def _contents(header: Mapping[str, Any], kind: FileKind | None, method: str | None) -> str:
    if header.get("kind") == TRAINING:
        return "a checkpoint to resume a training from"
    if header:
        return "a model"
    if kind or not method:
        return kind.title if kind else "tensors of an unknown network"
    return f"generators of {registry.find(method).title}, under other names"


def _parameters(tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """All tensors but the batch counts of norms."""
    return [tensor for tensor in tensors.values() if tensor.dtype != torch.int64]
