"""The public data sets that can be downloaded by name. `public_sets.toml` holds their cards. Imports no numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from imgxlate.config import did_you_mean
from imgxlate.downloads import catalogue
from imgxlate.errors import UsageError

CATALOGUE = Path(__file__).with_name("public_sets.toml")

PARTS = ("trainA", "trainB", "testA", "testB")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """A data set that can be downloaded by name. `public_sets.toml` explains the fields."""

    name: str  # "horse2zebra"
    filename: str
    summary: str
    license: str
    citation: str
    page: str
    urls: tuple[str, ...]
    size: int  # of the archive, in bytes
    counts: tuple[int, int, int, int] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    paired: bool = False
    sha256: str | None = None
    prefix: str | None = None

    @property
    def contents(self) -> str:
        """What the file holds, in a message."""
        return "images"

    @property
    def by_hand(self) -> str:
        """How to get the images without a download by this program."""
        return "download and unpack the archive in another way, and give its folder to `imgxlate train`"

    @property
    def folders(self) -> Mapping[str, str]:
        """The folder in the archive of trainA, trainB, testA and testB; of a paired set, of train and test."""
        return self.parts or {part: f"{Path(self.filename).stem}/{part}" for part in PARTS}


@cache
def public_sets() -> Mapping[str, PublicSet]:
    """The cards by name."""
    return MappingProxyType({card.name: card for card in catalogue.read(CATALOGUE, "sets", PublicSet)})


def find(name: str) -> PublicSet:
    """The card of that name.

    Raises:
        UsageError: there is none; the hint names a similar one.
    """
    if name in public_sets():
        return public_sets()[name]
    raise UsageError(
        f"there is no public data set named {name!r}",
        hint=did_you_mean(name, list(public_sets())) or "`imgxlate data list` shows all names.",
    )
