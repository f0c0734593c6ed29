"""Reading catalogues: TOML files whose groups hold tables that share some of their values."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

Card = TypeVar("Card")


def read(path: Path, tables: str, card: Callable[..., Card]) -> Iterator[Card]:
    """A card of each table `[[group.TABLES]]` in a file, in its order.

    A table takes over the values of its group that it lacks. "{filename}" in a text stands for the table's `filename`.
    Lists become tuples.

    Raises:
        ValueError: the file is not TOML, or a table has an unknown key or lacks one; names the table.
    """
    for group in tomllib.loads(path.read_text("utf-8"))["group"]:
        shared = {key: value for key, value in group.items() if key != tables}
        for own in group[tables]:
            values = {**shared, **own}
            try:
                yield card(**{key: _filled(value, values["filename"]) for key, value in values.items()})
            except (TypeError, KeyError) as error:
                raise ValueError(f"{path}: {values.get('name')}: {error}") from error


def _filled(value: Any, filename: str) -> Any:
    if isinstance(value, list):
        return tuple(_filled(part, filename) for part in value)
    return value.replace("{filename}", filename) if isinstance(value, str) else value
