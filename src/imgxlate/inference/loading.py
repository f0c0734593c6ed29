"""Loading a translation model: find its file, read it, build its networks, move them to the device."""

import dataclasses
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from imgxlate import atomic, paths
from imgxlate import checkpoint as checkpoints
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.checkpoint import Checkpoint
from imgxlate.config import did_you_mean, require_choice
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.images.limits import MAX_PIXELS, Limits
from imgxlate.images.pixel_format import PixelFormat
from imgxlate.inference.device import Arithmetic, Precision, find_arithmetic, find_device, require_exact
from imgxlate.inference.model import DIRECTIONS, Model
from imgxlate.inference.model_tensors import notes, other_method, readable
from imgxlate.memory import parse as parse_memory
from imgxlate.methods import registry
from imgxlate.methods.original_files import read_options
from imgxlate.methods.protocol import BatchNormalized, Translator
from imgxlate.methods.spec import DOMAINS, Capability, Domain, MethodConfig, MethodSpec
from imgxlate.nn import NormStatistics
from imgxlate.weights.cards import Card, bundled_model, bundled_models
from imgxlate.weights.imports import find_card, import_file
from imgxlate.weights.records import Record
from imgxlate.weights.store import Store, writing


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The file of a model, and its properties that are known before it is opened."""

    name: str
    path: Path
    config: Path | None = None  # the original's yaml, for settings that the weights do not show
    domains: tuple[str, str] | None = None  # the names of A and B
    generators: tuple[str, ...] = ()  # the networks to take, by their names in the file; none: those that are found


def load(
    method: str,
    *,
    model: str | None = None,  # a name of `imgxlate weights list`; None: a bundled model of the method
    checkpoint: str | os.PathLike[str] | None = None,  # a file, or a run's folder: its best model; instead of a name
    config: str | os.PathLike[str] | None = None,  # the original's yaml, for settings that the weights do not show
    generator: str | Sequence[str] = (),  # of an original's file: a network's name in it; of two, A's comes first
    to: str | None = None,  # the domain to translate to, by which a bundled model is chosen
    device: str = "auto",
    precision: Precision = "auto",
    memory: int | str | None = None,  # the most for the process, such as "4GB"; None: half of what is free
    offline: bool = False,
    max_pixels: int = MAX_PIXELS,  # of an image that is read, width x height
    white: int | None = None,  # in images of 16 bits; None: 4095 in images without larger values, else 65535
    norm_statistics: NormStatistics | None = None,  # of batch norms; None: as the original's test program
    progress: Progress = ignore,  # of a download
    notify: Notify = ignore,
) -> Model:
    """Load a translation model. `method` may also be the name of a model, such as "munit-outline2color".

        >>> imgxlate.load("munit").domains
        ('summer', 'winter')
        >>> imgxlate.load("munit-outline2color").domains
        ('outline', 'color')

    Raises:
        UsageError: there is no such method, both a model and a checkpoint are given, `config` is another method's,
            `memory` is not an amount, `max_pixels` is less than 1, or the model has no batch norms whose statistics
            can be chosen.
        WeightsError: there is no such model, or it cannot be downloaded.
        CheckpointError: the file is damaged, or holds no model of the method.
        DeviceError: this machine has no such device.
    """
    store, limits, most = Store(), Limits.of(max_pixels, white), parse_memory(memory)
    spec, model = _find_spec(method, model, store)
    where = find_device(device)

    def download(card: Card) -> Path:
        return store.path(card, offline=offline, progress=progress, notify=notify)

    path, settings = (None if each is None else Path(each) for each in (checkpoint, config))
    file = find_model(spec, model, path, settings, store, download, to=to)
    file = dataclasses.replace(file, generators=(generator,) if isinstance(generator, str) else tuple(generator))
    loaded = load_model(spec, file, where, find_arithmetic(precision, where), notify)
    if norm_statistics:
        _set_norm_statistics(loaded, norm_statistics)
    if path and paths.is_folder(path):
        notify(choice_note(file.path, loaded.step))
    return dataclasses.replace(
        loaded, limits=limits, memory=most, notify=notify, generators=file.generators, norm_statistics=norm_statistics
    )


def find_model(
    spec: MethodSpec,
    name: str | None,
    path: Path | None,
    config: Path | None,
    store: Store,
    download: Callable[[Card], Path],
    *,
    to: str | None = None,
) -> ModelFile:
    """The file of the model with that name or path. Without either, it is the method's bundled model for `to`.

    `download` returns the file of a card's weights, and downloads it if it is missing.

    Raises:
        UsageError: both are given, or neither and no model of the method is bundled, or none of these has a domain
            `to`.
        CheckpointError: `path` is a folder without a model.
        WeightsError: the method has no model of that name, or it cannot be downloaded.
    """
    if name and path:
        raise UsageError("the name of a model and a checkpoint exclude each other")
    if path:
        return _model_at(path, config)
    card = store.find(name, spec.name) if name else bundled_model(spec.name, to)
    if card is None:
        raise UsageError(
            f"{spec.name} needs weights: give --checkpoint FILE or --model NAME", hint=_ways_to_a_model(spec, store)
        )
    if to and not name:
        _require_domain(spec, to)
    return ModelFile(card.name, download(card), config or store.config(card.name), card.domains)


def _require_domain(spec: MethodSpec, to: str) -> None:
    domains = list(dict.fromkeys(name for card in bundled_models(spec.name) for name in card.domains or ()))
    if to.lower() not in (word.lower() for word in (*domains, *DOMAINS, *DIRECTIONS)):
        raise UsageError(
            f"no model of {spec.name} in the package has a domain {to!r}",
            hint=did_you_mean(to, domains) or f"The domains are {', '.join(domains)}.",
        )


def load_model(
    spec: MethodSpec, file: ModelFile, device: torch.device, arithmetic: Arithmetic, notify: Notify = ignore
) -> Model:
    """Read a model's file, build its networks, and move them to the device.

    A checkpoint to resume a training from gives its averaged generators.

    Raises:
        CheckpointError: the file is damaged, or holds no model of the method.
        UsageError: the original's yaml cannot be read, or is another method's.
    """
    opened = readable(spec, checkpoints.read(file.path), file.generators, notify)
    translator = _build(spec, opened, file.config, notify)
    require_exact(device, arithmetic.dtype)
    translator.place(device, arithmetic.dtype)
    domains = file.domains or _domains(opened)
    step = opened.header.get("step")
    return Model(
        spec,
        file.name,
        translator,
        domains,
        device,
        arithmetic,
        trained_size=_trained_size(opened),
        step=step if isinstance(step, int) else None,
        weights=file.path,
        config=file.config,
        formats=formats_in(opened.header, translator.config),
    )


def import_model(
    spec: MethodSpec,
    store: Store,
    name: str,
    file: Path,
    *,
    domains: tuple[str, str] | None = None,
    config: Path | None = None,
    generators: Sequence[str] = (),  # the networks to take, by their names in the file
    overwrite: bool = False,  # whether to replace another model of the user's with that name
    notify: Notify = ignore,
) -> Record:
    """Open `file` as `load_model` does, and put the model into the store under `name`; of a run, the best one.

    A published file is kept unchanged, with the original's yaml. The user's model is stored as a checkpoint of ours:
    an original's file name shows the direction, which another name would not.

    Raises:
        CheckpointError: the file is damaged, or holds no model of the method.
        UsageError: the name is invalid or another model's, or the yaml is another method's.
        WeightsError: the file is not the published one, or the store cannot be written.
    """
    card = find_card(name, spec.name)
    if card and generators:
        raise UsageError(f"{name} is a published file, which is kept whole", hint="Leave --generator out.")
    if paths.is_folder(file):
        file = _model_at(file, config).path
        opened = checkpoints.read(file)
        notify(choice_note(file, opened.header.get("step")))
    else:
        opened = checkpoints.read(file)
    opened = readable(spec, opened, generators, notify)
    translator = _build(spec, opened, config, notify)
    if card:
        return import_file(store, card.name, file, method=spec.name, domains=domains, config=config, notify=notify)
    names = domains or _domains(opened)
    with writing(store.root):
        atomic.make_folder(store.root)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=store.root) as folder:
            ours = Path(folder) / paths.RUN_MODEL
            formats = formats_in(opened.header, translator.config)
            header = model_header(spec.name, translator.config, names, translator.targets[0], formats)
            checkpoints.write(ours, translator.tensors(), header)
            return import_file(
                store, name, ours, method=spec.name, domains=names, source=file, overwrite=overwrite, notify=notify
            )


def choice_note(file: Path, step: int | None) -> str:
    """Tells the user which model of a run's folder is taken, and how to take the other one."""
    run = file.parent
    if file.name == paths.RUN_BEST:
        return f"{run}: the best model, of step {step}; for the last one, give {run / paths.RUN_MODEL}"
    return f"{run}: the last model, of step {step}"


def check_features(spec: MethodSpec, path: Path) -> None:
    """Check that a file holds a feature network of the method.

    Raises:
        CheckpointError: the file holds something else.
    """
    registry.implementation(spec).from_features(spec.config(), checkpoints.read(path))


def model_header(
    method: str,
    architecture: MethodConfig,
    domains: tuple[str, str],
    target: Domain,
    formats: Mapping[Domain, PixelFormat] | None = None,  # of images that are not in color
) -> dict[str, Any]:
    """The header of a model's checkpoint. Header and weights suffice to build the model."""
    stated = {domain: pixels.to_header() for domain, pixels in (formats or {}).items() if not pixels.is_color}
    return {
        "method": method,
        "architecture": dataclasses.asdict(architecture),
        "domains": list(domains),
        "target": target,
        **({"images": stated} if stated else {}),
    }


def _set_norm_statistics(model: Model, statistics: NormStatistics) -> None:
    require_choice(NormStatistics, norm_statistics=statistics)
    translator = model.translator
    if not (isinstance(translator, BatchNormalized) and translator.set_norm_statistics(statistics)):
        raise UsageError(
            f"{model.name} has no batch norms whose statistics can be chosen", hint="Leave out --norm-statistics."
        )


def formats_in(header: Mapping[str, Any], architecture: MethodConfig) -> dict[Domain, PixelFormat]:
    """The formats of the images of both domains, from the header of a model; a file of an original has none."""
    stored = header.get("images")
    stated = stored if isinstance(stored, Mapping) else {}
    return {domain: PixelFormat.from_header(stated.get(domain), architecture.channels(domain)) for domain in DOMAINS}


def _find_spec(method: str, model: str | None, store: Store) -> tuple[MethodSpec, str | None]:
    """The method and the model's name, from the name of a method or of a model."""
    specs, _ = registry.discover()
    if method not in specs and model is None and method in store.cards():
        card = store.find(method)
        return registry.find(card.method, Capability.TRANSLATE), card.name
    return registry.find(method, Capability.TRANSLATE), model


def _ways_to_a_model(spec: MethodSpec, store: Store) -> str | None:
    ways = []
    if any(card.method == spec.name for card in store.cards().values()):
        ways.append("`imgxlate weights list` shows the models that have a name.")
    if spec.training:
        ways.append(
            f"Train one with `imgxlate train {spec.name} DATA_A DATA_B --out RUN`, and give it with `--checkpoint RUN`."
        )
    return " ".join(ways) or None


def _model_at(path: Path, config: Path | None) -> ModelFile:
    """The model in a file, or the best model in the folder of a run; the last one if none was evaluated."""
    if not paths.is_folder(path):
        return ModelFile(path.name, path, config)
    file = paths.run_model(path)
    if not file.exists():
        raise CheckpointError(
            f"{path}: the folder holds no {paths.RUN_MODEL}",
            hint="Give a file, or the folder of a run that wrote a model.",
        )
    return ModelFile(path.resolve().name, file, config)


def _build(spec: MethodSpec, opened: Checkpoint, config: Path | None, notify: Notify) -> Translator:
    options = read_options(config)
    try:
        translator: Translator = registry.implementation(spec).from_checkpoint(opened, options)
    except UsageError as error:
        raise UsageError(f"{config}: {error}" if config else str(error), hint=error.hint) from error
    except CheckpointError as error:
        other = other_method(spec, opened)
        if other:
            raise other from error
        raise
    if not isinstance(translator, Translator):
        raise CheckpointError(f"{spec.implementation} is not a translator", hint=f"The plug-in {spec.name} has a bug.")
    for note in notes(translator, opened):
        notify(note)
    return translator


def _domains(opened: Checkpoint) -> tuple[str, str]:
    named = opened.header.get("domains")
    return (str(named[0]), str(named[1])) if isinstance(named, list) and len(named) == 2 else DOMAINS


def _trained_size(opened: Checkpoint) -> int | None:
    card = opened.header.get("card")
    size = card.get("size") if isinstance(card, dict) else None
    return size if isinstance(size, int) else None
