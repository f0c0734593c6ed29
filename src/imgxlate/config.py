"""Configuration: plain mappings into frozen dataclasses, with errors that name the key and what was meant."""

import dataclasses
import difflib
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
            raise UsageError(f"{origin}: unknown key {key!r}", hint=did_you_mean(key, known) or _listing(known))
    try:
        return TypeAdapter(cls).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{origin}: {key} = {first['input']!r}: {first['msg']}") from error


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A sentence that proposes the nearest of `known`, or None where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else None


def _listing(known: Iterable[str]) -> str:
    return f"Known keys: {', '.join(known)}."
