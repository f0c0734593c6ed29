"""Options that a configuration declares: each field with a panel is one, with its type, range and documentation."""

from inspect import Parameter
from typing import Annotated, Any, get_args, get_origin

import typer
from annotated_types import Ge, Gt

from imgxlate.config import Key, keys


def declared(config: type, *, is_base: bool) -> list[Parameter]:
    """The options of the dataclass `config`, as parameters of a command. An option that is not given is None.

    `is_base`: whether the configuration will be of a derived class, whose ranges and defaults may differ.
    """
    return [_option(key, about, is_base) for key, about in _declaring(config).items()]


def take(config: type, values: dict[str, Any]) -> dict[str, Any]:
    """Remove these options from `values`. Returns the values that were given, by key of the configuration."""
    given = {key: _value(about, values.pop(_name(key))) for key, about in _declaring(config).items()}
    return {key: value for key, value in given.items() if value is not None}


def flag(key: str) -> str:
    """The flag of a key: "--workers" for "data.workers"."""
    return f"--{_name(key).replace('_', '-')}"


def _declaring(config: type) -> dict[str, Key]:
    return {key: about for key, about in keys(config).items() if about.panel}


def _option(key: str, about: Key, is_base: bool) -> Parameter:
    kind = str if _is_list(about) else about.type
    number = next((number for number in (int, float) if number in (kind, *get_args(kind))), None)
    option = typer.Option(
        flag(key),
        metavar=about.metavar or {int: "N", float: "X", None: None}[number],
        min=None if is_base or number is None else _least(about),
        help=_sentence(about.doc) + ("" if is_base else _default(about)),
        rich_help_panel=about.panel,
    )
    return Parameter(_name(key), Parameter.KEYWORD_ONLY, annotation=Annotated[kind | None, option], default=None)


def _value(about: Key, typed: Any) -> Any:
    """The value of an option; a list is typed with commas between its values."""
    return tuple(part.strip() for part in typed.split(",")) if _is_list(about) and typed is not None else typed


def _name(key: str) -> str:
    return key.rpartition(".")[2]


def _is_list(about: Key) -> bool:
    return get_origin(about.type) is tuple


def _least(about: Key) -> float | None:
    """The lower bound. Typer accepts the bound itself; if it is exclusive, the configuration refuses it."""
    bounds: list[Any] = [
        limit.ge if isinstance(limit, Ge) else limit.gt for limit in about.constraints if isinstance(limit, Ge | Gt)
    ]
    return max(bounds, default=None)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _default(about: Key) -> str:
    if about.default in (None, ()):
        return ""
    values = about.default if _is_list(about) else (about.default,)
    return f" Default: {','.join(f'{value:g}' if isinstance(value, float) else str(value) for value in values)}."
