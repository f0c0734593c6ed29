"""The configuration of a run: layers of values, each with its origin. Imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imgxlate import config
from imgxlate.errors import UsageError
from imgxlate.methods.original_files import read_options
from imgxlate.methods.spec import MethodSpec, TrainingConfig, TrainingSpec

NONE = "none"
"""The word for a value that is absent, since TOML has no null."""

OnNan = Literal["stop", "rollback"]
"""What a run does after a loss is NaN: it stops, or goes back to the last checkpoint and takes other images."""

_ORIGINALS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The configuration of a run, with the origin of each value."""

    method: str
    preset: str
    config: TrainingConfig
    origins: Mapping[str, str]  # by the keys of the configuration: "preset small", "recipe.toml", "--set", "--lr"
    folders: tuple[Path, ...] = ()  # of the training images: two, one that holds both, or none if not given yet


@dataclass(frozen=True, slots=True)
class Change:
    """A value that has changed since the run began."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {config.shown(self.old)} -> {config.shown(self.new)}"


@dataclass(frozen=True, slots=True)
class _Layer:
    """Values by dotted keys, from one origin. They override the values of earlier layers."""

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Document:
    """The content of a configuration file, with values by dotted keys."""

    values: Mapping[str, Any]
    method: str | None = None
    preset: str | None = None
    folders: tuple[Path, ...] = ()


def training_of(spec: MethodSpec) -> TrainingSpec:
    """The presets and the implementation of a method's training.

    Raises:
        UsageError: the method declares none.
    """
    if spec.training is None:
        raise UsageError(f"{spec.name} declares no training", hint=f"The plug-in {spec.name} has a bug.")
    return spec.training


def resolve(
    spec: MethodSpec,
    *,
    preset: str | None = None,
    file: Path | None = None,
    assignments: Sequence[str] = (),
    options: Mapping[str, tuple[str, Any]] | None = None,
    resumed: Path | None = None,
) -> Recipe:
    """The configuration of a preset, changed by a file, then by KEY=VALUE assignments, then by options.

    Args:
        spec: The method to train.
        preset: The preset to start from; None: the one that `file` names, or the default.
        file: TOML, or the configuration file of an original. The suffix decides, or else the content.
        assignments: Values of `--set`: a key, `=`, and a TOML value or a word.
        options: For the key of each other option its origin, such as "--iterations", and its value.
        resumed: The configuration file of the run to resume. `file` overrides it, but its preset stays.

    Raises:
        UsageError: a file cannot be read, a preset or a key is unknown, or a value is invalid; names the origin.
    """
    files = [path for path in (resumed, file) if path]
    documents = [_read(path, spec) for path in files]
    name = _choose_preset(spec, preset, documents, keep=resumed is not None)
    start = training_of(spec).presets[name]
    layers = [
        _Layer(f"preset {name}", config.flattened(start)),
        *(_Layer(str(path), document.values) for path, document in zip(files, documents, strict=True)),
        _Layer("--set", config.dotted(dict(map(config.assignment, assignments)))),
        *(_Layer(origin, {key: value}) for key, (origin, value) in (options or {}).items()),
    ]
    layers = [_without_none(type(start), layer) for layer in layers if layer.values]
    return Recipe(
        spec.name,
        name,
        _build(type(start), layers),
        {key: layer.origin for layer in layers for key in layer.values},
        next((document.folders for document in reversed(documents) if document.folders), ()),
    )


def to_toml(recipe: Recipe) -> str:
    """The recipe as TOML. It holds every value, so `resolve` returns the same configuration even if presets change."""
    import tomli_w  # Imported late: only a training run needs it.

    head = {"method": recipe.method, "preset": recipe.preset, "folders": list(map(str, recipe.folders))}
    values = {key: NONE if value is None else value for key, value in config.flattened(recipe.config).items()}
    return tomli_w.dumps(head | config.nested(values))


def changes(old: TrainingConfig, new: TrainingConfig) -> tuple[Change, ...]:
    """The differences between `old`, the configuration of a run, and `new`, the one to resume it with.

    Raises:
        UsageError: a value changed that the checkpoint depends on; names each key with both values.
    """
    before, after = config.flattened(old), config.flattened(new)
    found = tuple(Change(key, before[key], value) for key, value in after.items() if value != before[key])
    known = config.keys(type(new))
    refused = [
        change
        for change in found
        if known[change.key].fixed or (known[change.key].switch and not (change.old and change.new))
    ]
    if refused:
        raise UsageError(
            f"a resumed run cannot change {'; '.join(map(str, refused))}",
            hint="Keep the old value, or start another run with another --out.",
        )
    return found


def _read(file: Path, spec: MethodSpec) -> _Document:
    """Read a configuration file of ours or of an original.

    Raises:
        UsageError: the file cannot be read, or is for another method.
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
        raise UsageError(f"{file}: {spec.name} reads only TOML configurations", hint="Give a .toml file.")
    document = read_options(file)
    try:
        return _Document(config.dotted(translate(document)))
    except UsageError as error:
        raise UsageError(f"{file}: {error}", hint=error.hint) from error


def _read_ours(file: Path, document: dict[str, Any], spec: MethodSpec) -> _Document:
    method, preset = (_name(file, document, key) for key in ("method", "preset"))
    folders = document.pop("folders", [])
    if not (isinstance(folders, list) and len(folders) <= 2 and all(isinstance(folder, str) for folder in folders)):
        raise UsageError(f"{file}: folders = {config.shown(folders)}: must be a list of one or two folders")
    if method not in (None, spec.name):
        raise UsageError(f"{file}: is for {method}, not for {spec.name}", hint=f"Type `imgxlate train {method} ...`.")
    return _Document(config.dotted(document), method, preset, tuple(map(Path, folders)))


def _name(file: Path, document: dict[str, Any], key: str) -> str | None:
    name = document.pop(key, None)
    if name is not None and not isinstance(name, str):
        raise UsageError(f"{file}: {key} = {config.shown(name)}: must be a name")
    return name


def _choose_preset(spec: MethodSpec, wanted: str | None, documents: Sequence[_Document], *, keep: bool) -> str:
    """The preset to start from. With `keep`, it must be the preset of the first document.

    Raises:
        UsageError: the method has no such preset, or the run began with another one.
    """
    presets = training_of(spec).presets
    named = [name for name in (wanted, *(document.preset for document in reversed(documents))) if name]
    name = named[0] if named else next(iter(presets))
    if keep and documents[0].preset not in (None, name):
        raise UsageError(
            f"the run began with the preset {documents[0].preset}, not {name}",
            hint="Change single values with --set, or start another run with another --out.",
        )
    if name not in presets:
        hint = config.did_you_mean(name, presets) or f"Presets: {', '.join(presets)}."
        raise UsageError(f"{spec.name} has no preset {name!r}", hint=hint)
    return name


def _without_none(cls: type[TrainingConfig], layer: _Layer) -> _Layer:
    """Check the keys of a layer, and replace the word "none" by None where a value may be absent.

    Raises:
        UsageError: a key is unknown; names the origin.
    """
    config.require_known(cls, layer.values, origin=layer.origin)
    known = config.keys(cls)
    values = {key: None if value == NONE and known[key].optional else value for key, value in layer.values.items()}
    return _Layer(layer.origin, values)


def _build(cls: type[TrainingConfig], layers: Sequence[_Layer]) -> TrainingConfig:
    """Build the configuration from the layers.

    Raises:
        UsageError: a value is invalid; names the origin of the first layer that causes the error.
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
