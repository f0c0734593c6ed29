"""Configuration: plain mappings into frozen dataclasses, with errors that name the key and what was meant."""

import dataclasses
import difflib
import functools
import reprlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_type_hints

from imgxlate.errors import UsageError

Config = TypeVar("Config")


def option(default: Any, doc: str, source: str = "") -> Any:
    """A dataclass field with its documentation and where its default comes from (paper section, file and line)."""
    return dataclasses.field(default=default, metadata={"doc": doc, "source": source})


def from_mapping(cls: type[Config], values: Mapping[str, Any], *, origin: str) -> Config:
    """Build the dataclass `cls` from `values`, checking names, types and ranges.

    The fields of a dataclass within it are given as a mapping, or by keys with a dot.

    Raises:
        UsageError: a key is unknown (with a did-you-mean) or a value has the wrong type; names `origin` and the key.
    """
    from pydantic import TypeAdapter, ValidationError  # Imported late: commands without a configuration do not pay.

    known = list(_keys(cls))
    given = dotted(values)
    for key in given:
        if key not in known:
            raise UsageError(f"{origin}: unknown key {key!r}", hint=did_you_mean(str(key), known) or _listing(known))
    try:
        return TypeAdapter(cls).validate_python(nested(given))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{origin}: {key} = {shown(first['input'])}: {first['msg']}") from error


def overridden(config: Config, values: Mapping[str, Any], assignments: Iterable[str] = ()) -> Config:
    """A copy of `config` with other `values`, and with `assignments` of the form KEY=VALUE (a TOML value, or a word).

    Raises:
        UsageError: a key is unknown, a value has the wrong type, or an assignment has no `=`.
    """
    changes = dotted(values) | dict(map(assignment, assignments))
    return from_mapping(type(config), flattened(config) | changes, origin="options")


def flattened(config: Any) -> dict[str, Any]:
    """The values of a dataclass by key; those of a dataclass within it by keys with a dot, such as `gen.dim`."""
    return dotted({key: _value(config, key) for key in _keys(type(config))})


def dotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings within mappings as one, its keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{name}": part for name, part in dotted(value).items()}
        else:
            flat[key] = value
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `dotted`: keys with dots as mappings within mappings."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, name = key.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
    return tree


def assignment(text: str) -> tuple[str, Any]:
    """Key and value of KEY=VALUE; the value is TOML's, or a word.

    Raises:
        UsageError: there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: no value", hint=f"Type `--set {text}=VALUE`.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def shown(value: Any) -> str:
    """`value` as messages show it: cut short, for a few lines of YAML can stand for gigabytes."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring = 2, 100
    try:
        return short.repr(value)
    except ValueError:  # Python refuses to write it in decimal.
        return "a number of thousands of digits"


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A sentence that proposes the nearest of `known`, or None where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else None


def _keys(cls: type) -> Iterator[str]:
    """The keys of a dataclass, with dots for those of dataclasses within it."""
    types = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if isinstance(types[field.name], type) and dataclasses.is_dataclass(types[field.name]):
            yield from (f"{field.name}.{key}" for key in _keys(types[field.name]))
        else:
            yield field.name


def _value(config: Any, key: str) -> Any:
    return functools.reduce(getattr, key.split("."), config)


def _listing(known: Iterable[str]) -> str:
    return f"Known keys: {', '.join(known)}."
