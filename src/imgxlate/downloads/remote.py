"""What is known about a file on a server, and how far a download of it can be trusted."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

from imgxlate.callbacks import Notify

Trust = Literal["published", "prefix", "first-use", "imported"]
"""Where a file's sha256 comes from: the source, its published beginning, our first download, or the user's file."""


class RemoteFile(Protocol):
    """A file on a server. The cards of weights and of data sets are such files."""

    @property
    def name(self) -> str:
        """Its name in messages and in the folder of unfinished downloads."""

    @property
    def contents(self) -> str:
        """Completes "the server sends a web page, not ...": "weights"."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Its addresses, tried in this order."""

    @property
    def size(self) -> int | None:
        """About how many bytes it has."""

    @property
    def sha256(self) -> str | None:
        """Its sha256, if the source publishes it."""

    @property
    def prefix(self) -> str | None:
        """The first digits of its sha256, if the source publishes only those."""

    @property
    def license(self) -> str:
        """Its license, as far as it is known."""

    @property
    def by_hand(self) -> str:
        """How to get it without this program: a part of a sentence."""


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trust_in(remote: RemoteFile) -> Trust:
    """Where the sha256 of a downloaded file comes from."""
    if remote.sha256:
        return "published"
    return "prefix" if remote.prefix else "first-use"


def announce(remote: RemoteFile, url: str, sha256: str, notify: Notify) -> None:
    """Tell where a file was downloaded from, its license, and what its hash was compared with."""
    notify(f"{remote.name}: downloaded from {url}; license: {remote.license}")
    if url.startswith("http://") and not remote.sha256:
        notify(f"{remote.name}: it came over plain http, where others on the way can change it")
    notify(_REASONS_TO_TRUST[trust_in(remote)].format(name=remote.name, sha256=sha256))


_REASONS_TO_TRUST: Mapping[Trust, str] = {
    "published": "{name}: its sha256 is the one that the source publishes",
    "prefix": "{name}: its sha256 begins as the source publishes; later uses check all of it, {sha256}",
    "first-use": "{name}: the source publishes no hash; later uses check this file's sha256, {sha256}",
}
