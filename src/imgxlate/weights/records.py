"""Records: what the store knows about a file beyond its card. There is one JSON file for each name."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from imgxlate import atomic
from imgxlate.downloads.remote import Trust
from imgxlate.weights.cards import Card, cards

_OF_THE_CARD = ("name", "kind", "method", "filename", "domains", "convention")
"""What the JSON repeats of the card, so that a record of the user's own weights is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A file in the store, and where it came from."""

    card: Card  # the catalogue's, with the file name and the domains of this file; or the user's own
    sha256: str
    source: str  # an address, or the path of the imported file
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))  # ISO 8601, UTC
    trust: Trust
    config: str | None = None  # the name of the original's yaml, beside the file
    size: int = 0  # bytes
    mtime_ns: int = 0  # of the file when its sha256 was last computed; 0: compute it again before use

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record in `path`, or None if there is none or it is damaged."""
        try:
            values = json.loads(path.read_bytes())
            known = {key: values.pop(key, None) for key in _OF_THE_CARD}
            return cls(card=_card(known, values), **values)
        except (OSError, ValueError, TypeError, AttributeError, LookupError):
            return None

    def write(self, path: Path) -> None:
        """Write the record to `path`, whole or not at all.

        Raises:
            OutputError: the file cannot be written.
        """
        values = {key: getattr(self.card, key) for key in _OF_THE_CARD} | asdict(self)
        del values["card"]
        atomic.write_bytes(path, json.dumps(values, indent=2).encode())


def own_card(*, name: str, method: str, filename: str, **known: Any) -> Card:
    """The card of weights that no catalogue lists."""
    unknown = {"kind": "generator", "summary": "", "license": "not known", "citation": "", "page": ""}
    return Card(name=name, method=method, filename=filename, **(unknown | known))


def _card(known: dict[str, Any], values: dict[str, Any]) -> Card:
    """The card of a record, from what the JSON repeats of it and from the rest."""
    known["domains"] = tuple(known["domains"]) if known["domains"] else None
    published = cards().get(known["name"])
    if published:
        return replace(published, filename=known["filename"], domains=known["domains"])
    return own_card(
        **known,
        summary=f"imported from {values['source']}",
        size=values.get("size", 0),
        sha256=values["sha256"],
        manual="You imported it: find the file again",
    )
