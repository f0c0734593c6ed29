"""Models: finding the file that a name or a path means, and loading it for its method."""

import dataclasses
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from imgxlate import checkpoint
from imgxlate.callbacks import Notify, ignore
from imgxlate.config import did_you_mean
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.inference.device import require_exact
from imgxlate.methods import registry
from imgxlate.methods.original_options import read_options
from imgxlate.methods.protocol import Translator
from imgxlate.methods.spec import DOMAINS, Domain, MethodConfig, MethodSpec
from imgxlate.weights.cards import Card, bundled_model
from imgxlate.weights.imports import find_card, import_file
from imgxlate.weights.records import Record
from imgxlate.weights.store import Store, writing


@dataclass(frozen=True, slots=True)
class ModelFile:
    """Where a model lies and what is known of it before it is opened."""

    name: str
    path: Path
    config: Path | None = None  # the original's yaml, for what weights do not show
    domains: tuple[str, str] | None = None  # the names of A and B


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded translator, the names of its two domains, and where it computes."""

    name: str
    translator: Translator
    domains: tuple[str, str]
    device: torch.device
    size: int | None = None  # shorter side, in pixels, of the pictures that it was trained on; None: not known

    def target(self, to: str | None) -> Domain:
        """The domain that `to` names: A, B, a domain's own name, or None for the model's default.

        Raises:
            UsageError: the model has no such domain, or does not translate to it.
        """
        if to is None:
            return self.translator.targets[0]
        names: dict[str, Domain] = {"a": "A", "b": "B"}
        names |= {name.lower(): domain for name, domain in zip(self.domains, DOMAINS, strict=True)}
        if to.lower() not in names:
            raise UsageError(
                f"{self.name} has no domain {to!r}",
                hint=did_you_mean(to, self.domains) or f"Its domains are {' and '.join(self.domains)}.",
            )
        domain = names[to.lower()]
        if domain not in self.translator.targets:
            raise UsageError(f"{self.name} translates to {self.name_of(self.translator.targets[0])} only, not to {to}")
        return domain

    def name_of(self, domain: Domain) -> str:
        """The name of a domain."""
        return self.domains[DOMAINS.index(domain)]


def find_model(
    spec: MethodSpec,
    name: str | None,
    path: Path | None,
    config: Path | None,
    store: Store,
    download: Callable[[Card], Path],
) -> ModelFile:
    """The file that `--model` or `--checkpoint` means; `download` fetches a card's weights where they are missing.

    Where neither is given, it is the model of the method that ships with the package.

    Raises:
        UsageError: both are given, or neither and no model of the method ships.
        CheckpointError: `path` is a folder, and no run's with a model.
        WeightsError: the method has no model of that name, or it cannot be had.
    """
    if name and path:
        raise UsageError("--model and --checkpoint exclude each other")
    if path:
        return _model_at(path, config)
    card = store.find(name, spec.name) if name else bundled_model(spec.name)
    if card is None:
        raise UsageError(
            f"{spec.name} needs weights: give --checkpoint FILE or --model NAME",
            hint="`imgxlate weights list` shows the models that can be had by name.",
        )
    return ModelFile(card.name, download(card), config or store.config(card.name), card.domains)


def load_model(spec: MethodSpec, file: ModelFile, device: torch.device, dtype: torch.dtype) -> Model:
    """Read `file`, build its networks and place them.

    Raises:
        CheckpointError: the file is damaged, or holds something else than a model of `spec`.
        UsageError: the original's yaml cannot be read, or is another method's; names it.
    """
    opened = checkpoint.read(file.path)
    translator = _build(spec, opened, file.config)
    require_exact(device, dtype)
    translator.place(device, dtype)
    return Model(file.name, translator, file.domains or _domains(opened), device, _size(opened))


def import_model(
    spec: MethodSpec,
    store: Store,
    name: str,
    file: Path,
    *,
    domains: tuple[str, str] | None = None,
    config: Path | None = None,
    notify: Notify = ignore,
) -> Record:
    """Open `file` as `load_model` does, and put the model into the store under `name`.

    A published file is kept as it is, with the original's yaml. A model of the user's own becomes a checkpoint of ours,
    because the names of an original's files, and the files beside them, say what would be lost under another name.

    Raises:
        CheckpointError: the file is damaged, or holds something else than a model of `spec`.
        UsageError: the name cannot be, or the yaml is another method's.
        WeightsError: the file is not the published one, or the store cannot be written.
    """
    card = find_card(name, spec.name)
    opened = checkpoint.read(file)
    translator = _build(spec, opened, config)
    if card:
        return import_file(store, card.name, file, method=spec.name, domains=domains, config=config, notify=notify)
    names = domains or _domains(opened)
    with writing(store.root):
        store.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=store.root) as folder:
            ours = Path(folder) / "model.safetensors"
            header = model_header(spec.name, translator.config, names, translator.targets[0])
            checkpoint.write(ours, translator.tensors(), header)
            return import_file(store, name, ours, method=spec.name, domains=names, source=file, notify=notify)


def check_features(spec: MethodSpec, path: Path) -> None:
    """Open a file as a feature network of the method.

    Raises:
        CheckpointError: it is not.
    """
    registry.implementation(spec).from_features(spec.config(), checkpoint.read(path))


def _model_at(path: Path, config: Path | None) -> ModelFile:
    """The model in a file, or in the folder of a run."""
    if not os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for names that are too long)
        return ModelFile(path.name, path, config)
    file = path / checkpoint.RUN_MODEL
    if not file.exists():
        raise CheckpointError(
            f"{path}: the folder holds no {file.name}", hint="Give the folder of a run that has made one, or a file."
        )
    return ModelFile(path.resolve().name, file, config)


def _build(spec: MethodSpec, opened: checkpoint.Checkpoint, config: Path | None) -> Translator:
    if opened.header.get("kind") == checkpoint.TRAINING:
        raise CheckpointError(
            f"{opened.path}: is no model but a checkpoint to resume a training from",
            hint="Give the run's folder, or the model.safetensors in it.",
        )
    options = read_options(config)
    try:
        translator = registry.implementation(spec).from_checkpoint(opened, options)
    except UsageError as error:
        raise UsageError(f"{config}: {error}" if config else str(error), hint=error.hint) from error
    if not isinstance(translator, Translator):
        raise CheckpointError(f"{spec.implementation} is no translator", hint=f"The plug-in {spec.name} has a bug.")
    return translator


def model_header(method: str, architecture: MethodConfig, domains: tuple[str, str], target: Domain) -> dict[str, Any]:
    """What a checkpoint of ours says of a model beside its weights, so that it can be built from both."""
    return {
        "method": method,
        "architecture": dataclasses.asdict(architecture),
        "domains": list(domains),
        "target": target,
    }


def _domains(opened: checkpoint.Checkpoint) -> tuple[str, str]:
    named = opened.header.get("domains")
    return (str(named[0]), str(named[1])) if isinstance(named, list) and len(named) == 2 else DOMAINS


def _size(opened: checkpoint.Checkpoint) -> int | None:
    card = opened.header.get("card")
    size = card.get("size") if isinstance(card, dict) else None
    return size if isinstance(size, int) else None
