"""Files of JSON Lines: one JSON object a line, each with the time when it was written."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

Item = TypeVar("Item")


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def stamp(time: datetime) -> str:
    """A time as JSON, to the millisecond."""
    return time.isoformat(timespec="milliseconds")


def line(document: Mapping[str, Any]) -> bytes:
    """An object as a line. JSON has no numbers for NaN and infinity."""
    return (json.dumps(document, allow_nan=False) + "\n").encode()


def parsed(text: bytes, build: Callable[[Any], Item]) -> Item | None:
    """What `build` makes of the object in a line, or None if the line is damaged."""
    try:
        return build(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
