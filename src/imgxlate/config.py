"""Configuration: plain mappings into frozen dataclasses, with errors that name the key and what was meant."""

import dataclasses
import difflib
import reprlib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from imgxlate.errors import UsageError

Config = TypeVar("Config")


def option(default: Any, doc: str, source: str = "") -> Any:
    """A dataclass field with its documentation and where its default comes from (paper section, file and line)."""
    return dataclasses.field(default=default, metadata={"doc": doc, "source": source})


def from_mapping(cls: type[Config], values: Mapping[str, Any], *, origin: str) -> Config:
    """Build the dataclass `cls` from `values`, checking names, types and ranges.

    Raises:
        UsageError: a key is unknown (with a did-you-mean) or a value has the wrong type; names `origin` and the key.
    """
    from pydantic import TypeAdapter, ValidationError  # Imported late: commands without a configuration do not pay.

    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise UsageError(f"{origin}: unknown key {key!r}", hint=did_you_mean(str(key), known) or _listing(known))
    try:
        return TypeAdapter(cls).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{origin}: {key} = {shown(first['input'])}: {first['msg']}") from error


def overridden(config: Config, values: Mapping[str, Any], assignments: Iterable[str] = ()) -> Config:
    """A copy of `config` with other `values`, and with `assignments` of the form KEY=VALUE (a TOML value, or a word).

    Raises:
        UsageError: a key is unknown, a value has the wrong type, or an assignment has no `=`.
    """
    current = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}  # type: ignore[arg-type]
    changes = dict(values) | dict(_parse_assignment(assignment) for assignment in assignments)
    return from_mapping(type(config), current | changes, origin="options")


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


def _parse_assignment(assignment: str) -> tuple[str, Any]:
    key, equals, text = assignment.partition("=")
    if not equals:
        raise UsageError(f"--set {assignment}: no value", hint=f"Type `--set {assignment}=VALUE`.")
    try:
        return key.strip(), tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text.strip()


def _listing(known: Iterable[str]) -> str:
    return f"Known keys: {', '.join(known)}."
