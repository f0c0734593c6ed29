"""Records: what the store holds under a name, one JSON file each."""

import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from imgxlate import atomic
from imgxlate.weights.cards import Card, Convention, Kind

Trust = Literal["published", "prefix", "first-use", "imported"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A file in the store, and how it came there."""

    name: str
    kind: Kind
    method: str
    filename: str
    sha256: str
    source: str  # an address, or the path that was imported
    date: str  # ISO 8601, UTC
    trust: Trust  # what the hash rests on: the source, the source's prefix of it, the first download, the user
    domains: tuple[str, str] | None = None
    convention: Convention | None = None
    config: str | None = None  # the name of the original's yaml, beside the file
    size: int = 0  # bytes
    mtime_ns: int = 0  # of the file when its hash was last computed; 0: compute it again before use

    @classmethod
    def of(cls, card: Card, sha256: str, *, source: str, trust: Trust, config: str | None = None) -> Self:
        """The record of a file that comes under the name of `card`."""
        return cls(
            name=card.name,
            kind=card.kind,
            method=card.method,
            filename=card.filename,
            sha256=sha256,
            source=source,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            trust=trust,
            domains=card.domains,
            convention=card.convention,
            config=config,
        )

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record in `path`, or None where there is none or it is damaged."""
        try:
            values = json.loads(path.read_bytes())
            domains = values.pop("domains", None)
            return cls(**values, domains=(domains[0], domains[1]) if domains else None)
        except (OSError, ValueError, TypeError, AttributeError, LookupError):
            return None

    def write(self, path: Path) -> None:
        """Write it to `path`, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        atomic.write_bytes(path, json.dumps(dataclasses.asdict(self), indent=2).encode())

    def card(self) -> Card:
        """The record as a card: what is known of weights that no catalogue lists."""
        return Card(
            name=self.name,
            kind=self.kind,
            method=self.method,
            summary=f"imported from {self.source}",
            filename=self.filename,
            licence="not known",
            citation="",
            page="",
            size=self.size,
            sha256=self.sha256,
            domains=self.domains,
            convention=self.convention,
            manual="It was imported: find the file again",
        )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in 64 hex digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def looks_like_web_page(start: bytes) -> bool:
    """Whether a file that begins with these bytes is HTML, such as an error page or a form to click through."""
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<head"))
