"""Configuration: plain mappings into frozen dataclasses, with errors that name the key and what was meant."""

import dataclasses
import difflib
import functools
import math
import reprlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from imgxlate.errors import UsageError

Config = TypeVar("Config")


def option(
    default: Any,
    doc: str,
    source: str = "",  # where the default comes from: paper and section, or file and line
    *,
    fixed: bool | None = None,  # whether a run that goes on must keep it; None: the values of a dataclass, no others
    switch: bool = False,  # whether a run that goes on must keep it zero, or other than zero
    at_least: float = -math.inf,
    below: float = math.inf,
) -> Any:
    """A dataclass field with its documentation; `at_least` and `below` bound a number, which is finite."""
    rules = {"fixed": fixed, "switch": switch, "at_least": at_least, "below": below}
    return dataclasses.field(default=default, metadata={"doc": doc, "source": source, **rules})


@dataclass(frozen=True, slots=True)
class Key:
    """What a configuration says of one of its values."""

    type: Any
    doc: str
    source: str
    fixed: bool  # a run that goes on must keep it
    switch: bool  # a run that goes on must keep it zero, or other than zero
    at_least: float
    below: float

    @property
    def optional(self) -> bool:
        """Whether the value may be None."""
        return NoneType in get_args(self.type)


def from_mapping(cls: type[Config], values: Mapping[str, Any], *, origin: str) -> Config:
    """Build the dataclass `cls` from `values`, checking names, types and ranges.

    The fields of a dataclass within it are given as a mapping, or by keys with a dot.

    Raises:
        UsageError: a key is unknown (with a did-you-mean) or a value has the wrong type; names `origin` and the key.
    """
    from pydantic import TypeAdapter, ValidationError  # Imported late: commands without a configuration do not pay.

    given = dotted(values)
    require_known(cls, given, origin=origin)
    try:
        config = TypeAdapter(cls).validate_python(nested(given))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{origin}: {key} = {shown(first['input'])}: {first['msg']}") from error
    for name, about in keys(cls).items():
        _require_in_range(f"{origin}: {name}", _value(config, name), about)
    return config


def require_known(cls: type, names: Iterable[str], *, origin: str) -> None:
    """Check that the dataclass `cls` has all these keys.

    Raises:
        UsageError: it lacks one; names `origin` and the key, with a did-you-mean.
    """
    known = list(keys(cls))
    for key in names:
        if key not in known:
            raise UsageError(f"{origin}: unknown key {key!r}", hint=did_you_mean(str(key), known) or _listing(known))


def overridden(config: Config, values: Mapping[str, Any], assignments: Iterable[str] = ()) -> Config:
    """A copy of `config` with other `values`, and with `assignments` of the form KEY=VALUE (a TOML value, or a word).

    Raises:
        UsageError: a key is unknown, a value has the wrong type, or an assignment has no `=`.
    """
    changes = dotted(values) | dict(map(assignment, assignments))
    return from_mapping(type(config), flattened(config) | changes, origin="options")


def flattened(config: Any) -> dict[str, Any]:
    """The values of a dataclass by key; those of a dataclass within it by keys with a dot, such as `gen.dim`."""
    return dotted({key: _value(config, key) for key in keys(type(config))})


def keys(cls: type) -> dict[str, Key]:
    """The keys of a dataclass and what it says of each, with dots for those of dataclasses within it."""
    return dict(_keys(cls, fixed=False))


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


def _keys(cls: type, *, fixed: bool, prefix: str = "") -> Iterator[tuple[str, Key]]:
    """`fixed`: whether all of them are, because the dataclass is the value of a field that is."""
    types = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        kind, rules = types[field.name], field.metadata
        wanted = rules.get("fixed")
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            yield from _keys(kind, fixed=fixed or wanted is not False, prefix=f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", _key(kind, rules, fixed=fixed or bool(wanted))


def _key(kind: Any, rules: Mapping[str, Any], *, fixed: bool) -> Key:
    """A field that was not made with `option` has no documentation and no rules."""
    return Key(
        kind,
        rules.get("doc", ""),
        rules.get("source", ""),
        fixed,
        rules.get("switch", False),
        rules.get("at_least", -math.inf),
        rules.get("below", math.inf),
    )


def _require_in_range(name: str, value: Any, about: Key) -> None:
    unbounded = (about.at_least, about.below) == (-math.inf, math.inf)
    if unbounded or isinstance(value, bool) or not isinstance(value, int | float):
        return
    if not about.at_least <= value < about.below:  # Which NaN is not either.
        bounds = [f"at least {about.at_least:g}"] if about.at_least > -math.inf else []
        bounds += [f"below {about.below:g}"] if about.below < math.inf else []
        bounds += ["finite"] if isinstance(value, float) and not math.isfinite(value) else []
        raise UsageError(f"{name} = {shown(value)}: must be {' and '.join(bounds)}")


def _value(config: Any, key: str) -> Any:
    return functools.reduce(getattr, key.split("."), config)


def _listing(known: Iterable[str]) -> str:
    return f"Known keys: {', '.join(known)}."
