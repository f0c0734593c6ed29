"""Configuration files of a run: TOML of ours, and the files of the originals. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgxlate import config
from imgxlate.errors import UsageError, disk_hint
from imgxlate.methods.original_files import read_options
from imgxlate.methods.spec import MethodSpec, TrainingSpec

_ORIGINALS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a configuration file, with values by dotted keys."""

    values: Mapping[str, Any]
    method: str | None = None
    preset: str | None = None
    folders: tuple[Path, ...] = ()
    start: str | None = None


def training_of(spec: MethodSpec) -> TrainingSpec:
    """The presets and the implementation of a method's training.

    Raises:
        UsageError: the method declares none.
    """
    if spec.training is None:
        raise UsageError(f"{spec.name} declares no training", hint=f"The plug-in {spec.name} has a bug.")
    return spec.training


def read(file: Path, spec: MethodSpec) -> Document:
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
        raise UsageError(f"{file}: cannot be read: {error.strerror}", hint=disk_hint(error)) from error
    except (ValueError, RecursionError) as error:
        if file.suffix.lower() != ".toml":
            return _read_original(file, spec)
        raise UsageError(f"{file}: is not TOML: {error}") from error
    return _read_ours(file, document, spec)


def _read_original(file: Path, spec: MethodSpec) -> Document:
    translate = training_of(spec).from_original
    if translate is None:
        raise UsageError(f"{file}: {spec.name} reads only TOML configurations", hint="Give a .toml file.")
    document = read_options(file)
    try:
        return Document(config.dotted(translate(document)))
    except UsageError as error:
        raise UsageError(f"{file}: {error}", hint=error.hint) from error


def _read_ours(file: Path, document: dict[str, Any], spec: MethodSpec) -> Document:
    method, preset, start = (_name(file, document, key) for key in ("method", "preset", "from"))
    folders = document.pop("folders", [])
    if not (isinstance(folders, list) and len(folders) <= 2 and all(isinstance(folder, str) for folder in folders)):
        raise UsageError(f"{file}: folders = {config.shown(folders)}: must be a list of one or two folders")
    if method not in (None, spec.name):
        raise UsageError(f"{file}: is for {method}, not for {spec.name}", hint=f"Type `imgxlate train {method} ...`.")
    return Document(config.dotted(document), method, preset, tuple(map(Path, folders)), start)


def _name(file: Path, document: dict[str, Any], key: str) -> str | None:
    name = document.pop(key, None)
    if name is not None and not isinstance(name, str):
        raise UsageError(f"{file}: {key} = {config.shown(name)}: must be a name")
    return name
