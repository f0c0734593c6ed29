"""Configurations: frozen dataclasses, built from mappings and from `KEY=VALUE`.

The bounds of a value are annotated-types' constraints on its type, such as `Annotated[int, Ge(1)]`. With pydantic,
`from_mapping` checks the types and bounds of all values, whether they come from a file, an option or `overridden`.
"""

import dataclasses
import difflib
import functools
import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from annotated_types import Ge, IsFinite

from imgxlate.errors import UsageError

Config = TypeVar("Config")

PositiveInt = Annotated[int, Ge(1)]
NonNegativeInt = Annotated[int, Ge(0)]
NonNegativeFloat = Annotated[IsFinite[float], Ge(0)]

# Our wording of pydantic's errors.
_REASONS = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be above {gt:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "predicate_failed": "must be finite",  # IsFinite is the only predicate in use.
}


def option(
    default: Any,
    doc: str,
    source: str = "",  # where the default comes from: paper and section, or file and line
    *,
    fixed: bool | None = None,  # whether --resume must keep it; None: yes if it is a dataclass, or in one that it keeps
    switch: bool = False,  # whether --resume must keep the choice between zero and non-zero
    panel: str | None = None,  # the panel of `--help` that has it as an option of its own; None: it has no option
    metavar: str | None = None,  # the placeholder of the value in `--help`; None: N or X, for a number
) -> Any:
    """A dataclass field with its documentation."""
    rules = {"fixed": fixed, "switch": switch, "panel": panel, "metavar": metavar}
    return dataclasses.field(default=default, metadata={"doc": doc, "source": source, **rules})


@dataclass(frozen=True, slots=True)
class Key:
    """One value of a configuration: its type, constraints, default and documentation; see `option`."""

    type: Any
    constraints: tuple[Any, ...]  # annotated-types'
    default: Any
    fixed: bool
    doc: str = ""
    source: str = ""
    switch: bool = False
    panel: str | None = None
    metavar: str | None = None

    @property
    def optional(self) -> bool:
        """Whether the value may be None."""
        return NoneType in get_args(self.type)


def from_mapping(cls: type[Config], values: Mapping[str, Any], *, origin: str) -> Config:
    """Build the dataclass `cls` from `values`, checking names, types and ranges.

    The fields of a nested dataclass are given as a mapping, or by keys with a dot.

    Raises:
        UsageError: a key is unknown (with a did-you-mean) or a value is invalid; names `origin`, key and value.
    """
    from pydantic import TypeAdapter, ValidationError  # Imported late: commands without a configuration do not pay.

    given = dotted(values)
    require_known(cls, given, origin=origin)
    try:
        return TypeAdapter(cls).validate_python(nested(given))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = _REASONS.get(first["type"])
        reason = known.format_map(first.get("ctx", {})) if known else first["msg"]
        raise UsageError(f"{origin}: {key} = {shown(first['input'])}: {reason}") from error


def require_known(cls: type, names: Iterable[str], *, origin: str) -> None:
    """Check that the dataclass `cls` has all these keys.

    Raises:
        UsageError: a key is unknown. The message names `origin` and the key, and the hint proposes the nearest key.
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
    """The values of a dataclass by key. Keys of a nested dataclass have a dot, such as `gen.dim`."""
    return dotted({key: _value(config, key) for key in keys(type(config))})


def keys(cls: type) -> dict[str, Key]:
    """The keys of a dataclass with their documentation. Keys of nested dataclasses have a dot."""
    return dict(_keys(cls, fixed=False))


def dotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten nested mappings. Their keys are joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{name}": part for name, part in dotted(value).items()}
        else:
            flat[key] = value
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `dotted`: keys with dots become nested mappings."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, name = key.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[name] = value
    return tree


def assignment(text: str) -> tuple[str, Any]:
    """Key and value of KEY=VALUE. The value is TOML, or else a word.

    Raises:
        UsageError: there is no `=`.
    """
    import tomllib  # Imported late, as pydantic is.

    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: no value", hint=f"Type `--set {text}=VALUE`.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def shown(value: Any) -> str:
    """`value` as text for a message. It is cut short, because a few lines of YAML can expand to gigabytes."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring = 2, 100
    try:
        return short.repr(value)
    except ValueError:  # Python does not convert such a number to decimal.
        return "a number of thousands of digits"


def require_choice(kind: Any, **values: object) -> None:
    """Check that each of `values` is one of those of `kind`, a `Literal` of strings.

    Raises:
        UsageError: a value is another.
    """
    choices = get_args(kind)
    for name, value in values.items():
        if value not in choices:
            hint = did_you_mean(str(value), choices)
            raise UsageError(f"{name} is {shown(value)}, but must be one of {', '.join(choices)}", hint=hint)


def require_at_least(least: int, **numbers: int | None) -> None:
    """Check that none of `numbers` is below `least`. None stands for a default.

    Raises:
        UsageError: a number is below it.
    """
    for name, number in numbers.items():
        if number is not None and number < least:
            raise UsageError(f"{name} is {number}, but must be at least {least}")


def style_shares(weights: Sequence[float], styles: int) -> list[float]:
    """The share of each of `styles` style images in a mixture, from a weight for each; no weights: equal shares.

    Raises:
        UsageError: there are more or fewer weights than style images, one is negative or not finite, or all are zero.
    """
    if not weights:
        return [1 / max(styles, 1)] * styles
    if len(weights) != styles:
        raise UsageError(
            f"there are {len(weights)} style weights for {styles} style images",
            hint="Give one weight for each style image, or none.",
        )
    if not all(0 <= weight < math.inf for weight in weights) or not sum(weights):
        raise UsageError("style weights must be finite and at least 0, and not all 0", hint="For example: 0.7,0.3.")
    return [weight / sum(weights) for weight in weights]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A sentence that proposes the nearest of `known`, or None if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else None


def _keys(cls: type, *, fixed: bool, prefix: str = "") -> Iterator[tuple[str, Key]]:
    """`fixed`: whether keys are fixed that do not say so themselves, because the dataclass is a fixed field's value."""
    plain, annotated = get_type_hints(cls), get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        kind, name = plain[field.name], f"{prefix}{field.name}"
        wanted = field.metadata.get("fixed")
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            yield from _keys(kind, fixed=wanted is not False, prefix=f"{name}.")
        else:
            ours = {rule: value for rule, value in field.metadata.items() if rule in Key.__dataclass_fields__}
            constraints = tuple(_constraints(annotated[field.name]))
            kept = fixed if wanted is None else wanted
            own = {"type": kind, "constraints": constraints, "default": field.default, "fixed": kept}
            yield name, Key(**{**ours, **own})


def _constraints(kind: Any) -> Iterator[Any]:
    """The constraints in a type, such as those of the number in `Annotated[int, Ge(1)] | None`."""
    yield from getattr(kind, "__metadata__", ())
    for part in get_args(kind):
        yield from _constraints(part)


def _value(config: Any, key: str) -> Any:
    return functools.reduce(getattr, key.split("."), config)


def _listing(known: Iterable[str]) -> str:
    return f"Known keys: {', '.join(known)}."
