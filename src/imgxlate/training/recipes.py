"""The configuration of a run: layers of values, each with its origin. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgxlate import config
from imgxlate.errors import UsageError
from imgxlate.methods.shared.original_options import read_options
from imgxlate.methods.spec import MethodSpec, TrainingConfig, TrainingSpec

NONE = "none"
"""The word that stands for no value, which TOML cannot write, where a value may be absent."""

_ORIGINALS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The configuration of a run, and where each of its values comes from."""

    method: str
    preset: str
    config: TrainingConfig
    origins: Mapping[str, str]  # by the keys of the configuration: "preset small", "recipe.toml", "--set", "--lr"
    folders: tuple[Path, ...] = ()  # of the training pictures: two, one that holds both, or none where not yet known


@dataclass(frozen=True, slots=True)
class Change:
    """A value that is another than it was when the run began."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {config.shown(self.old)} -> {config.shown(self.new)}"


@dataclass(frozen=True, slots=True)
class _Layer:
    """Values by keys with dots. A layer's go before those of the layers below it."""

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Document:
    """What a configuration file says: values by keys with dots, and what they are for."""

    values: Mapping[str, Any]
    method: str | None = None
    preset: str | None = None
    folders: tuple[Path, ...] = ()


def training_of(spec: MethodSpec) -> TrainingSpec:
    """How a method is trained.

    Raises:
        UsageError: it does not say so.
    """
    if spec.training is None:
        raise UsageError(f"{spec.name} does not say how it is trained", hint=f"The plug-in {spec.name} has a bug.")
    return spec.training


def resolve(
    spec: MethodSpec,
    *,
    preset: str | None = None,
    file: Path | None = None,
    assignments: Sequence[str] = (),
    options: Mapping[str, tuple[str, Any]] | None = None,
    begun: Path | None = None,
) -> Recipe:
    """The configuration that a preset makes, and what a file, KEY=VALUE assignments and options change, in that order.

    Args:
        spec: The method to train.
        preset: Its preset; None: the one that `file` names, or the default.
        file: TOML of ours, or an original's configuration, by its suffix; another suffix, by its content.
        assignments: `--set`: a key, `=`, and a TOML value or a word.
        options: The values of other options, by key: what was typed, such as "--iterations", and the value.
        begun: The configuration of the run that goes on; it comes before `file`, and its preset stays.

    Raises:
        UsageError: a file cannot be read, a preset or a key is unknown, or a value cannot be; names the origin.
    """
    files = [path for path in (begun, file) if path]
    documents = [_read(path, spec) for path in files]
    name = _choose_preset(spec, preset, documents, keep=begun is not None)
    start = training_of(spec).presets[name]
    layers = [
        _Layer(f"preset {name}", config.flattened(start)),
        *(_Layer(str(path), document.values) for path, document in zip(files, documents, strict=True)),
        _Layer("--set", config.dotted(dict(map(config.assignment, assignments)))),
        *(_Layer(origin, {key: value}) for key, (origin, value) in (options or {}).items()),
    ]
    layers = [_understood(type(start), layer) for layer in layers if layer.values]
    return Recipe(
        spec.name,
        name,
        _build(type(start), layers),
        {key: layer.origin for layer in layers for key in layer.values},
        next((document.folders for document in reversed(documents) if document.folders), ()),
    )


def to_toml(recipe: Recipe) -> str:
    """The recipe as a file from which `resolve` makes the same configuration, whatever the presets become."""
    import tomli_w  # Imported late: only a run that begins writes one.

    head = {"method": recipe.method, "preset": recipe.preset, "folders": list(map(str, recipe.folders))}
    values = {key: NONE if value is None else value for key, value in config.flattened(recipe.config).items()}
    return tomli_w.dumps(head | config.nested(values))


def changes(old: TrainingConfig, new: TrainingConfig) -> tuple[Change, ...]:
    """What is another in `new`, the configuration that a run goes on with, than in `old`, the one it has had.

    What leaves the checkpoint loadable and its meaning as it was may change.

    Raises:
        UsageError: something else did; names each key with both values.
    """
    before, after = config.flattened(old), config.flattened(new)
    found = tuple(Change(key, before[key], value) for key, value in after.items() if value != before[key])
    about = config.keys(type(new))
    refused = [
        change
        for change in found
        if about[change.key].fixed or (about[change.key].switch and not (change.old and change.new))
    ]
    if refused:
        raise UsageError(
            f"a run that goes on cannot change {'; '.join(map(str, refused))}",
            hint="Leave that as it was, or begin another run with another --out.",
        )
    return found


def _read(file: Path, spec: MethodSpec) -> _Document:
    """Read a configuration file, ours or an original's.

    Raises:
        UsageError: it cannot be read, or is for another method.
    """
    if file.suffix.lower() in _ORIGINALS:
        return _read_original(file, spec)
    import tomllib  # Imported late: `--help` does not pay.

    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        if file.suffix.lower() != ".toml":
            return _read_original(file, spec)
        raise UsageError(f"{file}: is not TOML: {error}") from error
    return _read_ours(file, document, spec)


def _read_original(file: Path, spec: MethodSpec) -> _Document:
    translate = training_of(spec).from_original
    if translate is None:
        raise UsageError(f"{file}: {spec.name} takes no configuration but TOML", hint="Give a .toml file.")
    document = read_options(file)
    try:
        return _Document(config.dotted(translate(document)))
    except UsageError as error:
        raise UsageError(f"{file}: {error}", hint=error.hint) from error


def _read_ours(file: Path, document: dict[str, Any], spec: MethodSpec) -> _Document:
    method, preset = (_word(file, document, key) for key in ("method", "preset"))
    folders = document.pop("folders", [])
    if not (isinstance(folders, list) and len(folders) <= 2 and all(isinstance(folder, str) for folder in folders)):
        raise UsageError(f"{file}: folders = {config.shown(folders)}: must be a list of one or two folders")
    if method not in (None, spec.name):
        raise UsageError(f"{file}: is for {method}, not for {spec.name}", hint=f"Type `imgxlate train {method} ...`.")
    return _Document(config.dotted(document), method, preset, tuple(map(Path, folders)))


def _word(file: Path, document: dict[str, Any], key: str) -> str | None:
    word = document.pop(key, None)
    if word is not None and not isinstance(word, str):
        raise UsageError(f"{file}: {key} = {config.shown(word)}: must be a name")
    return word


def _choose_preset(spec: MethodSpec, wanted: str | None, documents: Sequence[_Document], *, keep: bool) -> str:
    """The preset to start from; with `keep`, the first document's, which nothing else may contradict.

    Raises:
        UsageError: the method has none of that name, or it would be another than the run's.
    """
    presets = training_of(spec).presets
    named = [name for name in (wanted, *(document.preset for document in reversed(documents))) if name]
    name = named[0] if named else next(iter(presets))
    if keep and documents[0].preset not in (None, name):
        raise UsageError(
            f"the run began with the preset {documents[0].preset}, not {name}",
            hint="Change single values with --set, or begin another run with another --out.",
        )
    if name not in presets:
        hint = config.did_you_mean(name, presets) or f"Presets: {', '.join(presets)}."
        raise UsageError(f"{spec.name} has no preset {name!r}", hint=hint)
    return name


def _understood(cls: type[TrainingConfig], layer: _Layer) -> _Layer:
    """The layer with None for the word that stands for it.

    Raises:
        UsageError: a key is unknown; names the origin.
    """
    config.require_known(cls, layer.values, origin=layer.origin)
    known = config.keys(cls)
    values = {key: None if value == NONE and known[key].optional else value for key, value in layer.values.items()}
    return _Layer(layer.origin, values)


def _build(cls: type[TrainingConfig], layers: Sequence[_Layer]) -> TrainingConfig:
    """The configuration that the layers make.

    Raises:
        UsageError: a value cannot be; names the origin of the first layer that brings it about.
    """
    try:
        return _merged(cls, layers)
    except UsageError as error:
        reason = _without_origin(error, layers[-1])
        origins = [layers[end - 1].origin for end in range(1, len(layers)) if _fails(cls, layers[:end], reason)]
        raise UsageError(f"{(*origins, layers[-1].origin)[0]}: {reason}", hint=error.hint) from error


def _merged(cls: type[TrainingConfig], layers: Sequence[_Layer]) -> TrainingConfig:
    values = {key: value for layer in layers for key, value in layer.values.items()}
    return config.from_mapping(cls, values, origin=layers[-1].origin)


def _fails(cls: type[TrainingConfig], layers: Sequence[_Layer], reason: str) -> bool:
    try:
        _merged(cls, layers)
    except UsageError as error:
        return _without_origin(error, layers[-1]) == reason
    return False


def _without_origin(error: UsageError, layer: _Layer) -> str:
    return str(error).removeprefix(f"{layer.origin}: ")
