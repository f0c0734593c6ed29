"""Models: finding the file that a name or a path means, and loading it for its method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from imgxlate import checkpoint
from imgxlate.config import did_you_mean
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.protocol import Translator
from imgxlate.methods.spec import Domain, MethodSpec
from imgxlate.weights.cards import Card
from imgxlate.weights.store import Store

DOMAINS: tuple[Domain, Domain] = ("A", "B")


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

    Raises:
        UsageError: both or neither is given.
        WeightsError: the method has no model of that name, or it cannot be had.
    """
    if name and path:
        raise UsageError("--model and --checkpoint exclude each other")
    if path:
        return ModelFile(path.name, path, config)
    if not name:
        raise UsageError(
            f"{spec.name} needs weights: give --checkpoint FILE or --model NAME",
            hint="`imgxlate weights list` shows the models that can be had by name.",
        )
    card = store.find(name, spec.name)
    return ModelFile(card.name, download(card), config or store.config(card.name), card.domains)


def load_model(spec: MethodSpec, file: ModelFile, device: torch.device, dtype: torch.dtype) -> Model:
    """Read `file`, build its networks and place them.

    Raises:
        CheckpointError: the file is damaged, or holds something else than a model of `spec`.
    """
    opened = checkpoint.read(file.path)
    translator = registry.implementation(spec).from_checkpoint(opened, read_options(file.config))
    if not isinstance(translator, Translator):
        raise CheckpointError(f"{spec.implementation} is no translator", hint=f"The plug-in {spec.name} has a bug.")
    translator.place(device, dtype)
    return Model(file.name, translator, file.domains or _domains(opened), device)


def check_model(spec: MethodSpec, path: Path, config: Path | None) -> None:
    """Open a file as `load_model` does, to see that it is a model of the method.

    Raises:
        CheckpointError: it is not.
    """
    registry.implementation(spec).from_checkpoint(checkpoint.read(path), read_options(config))


def check_features(spec: MethodSpec, path: Path) -> None:
    """Open a file as a feature network of the method.

    Raises:
        CheckpointError: it is not.
    """
    registry.implementation(spec).from_features(spec.config(), checkpoint.read(path))


def read_options(path: Path | None) -> Mapping[str, Any]:
    """An original's configuration file (YAML, or JSON, which is a part of it); empty where there is none.

    Raises:
        UsageError: it cannot be read, or holds more than plain values.
    """
    if path is None:
        return {}
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not plain YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: holds no configuration", hint="Give the yaml that the model was trained with.")
    return document


def _domains(opened: checkpoint.Checkpoint) -> tuple[str, str]:
    named = opened.header.get("domains")
    return (str(named[0]), str(named[1])) if isinstance(named, list) and len(named) == 2 else DOMAINS
