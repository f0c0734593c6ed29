"""Cards: which weights have a name, where they come from, and under which license. `catalogue.toml` holds them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from imgxlate import paths
from imgxlate.config import did_you_mean
from imgxlate.downloads import catalogue
from imgxlate.errors import WeightsError

CATALOGUE = Path(__file__).with_name("catalogue.toml")

Kind = Literal["generator", "features", "metric"]
Convention = Literal["caffe", "caffe-rgb", "torchvision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Weights that can be used by name. `catalogue.toml` explains the fields."""

    name: str  # "cyclegan-horse2zebra"
    kind: Kind
    method: str  # "cyclegan"
    summary: str
    filename: str
    license: str
    citation: str
    page: str
    urls: tuple[str, ...] = ()
    size: int | None = None  # bytes
    sha256: str | None = None
    prefix: str | None = None  # of the sha256
    domains: tuple[str, str] | None = None
    convention: Convention | None = None
    bundled: str | None = None
    manual: str | None = None

    @property
    def short(self) -> str:
        """The name without its method: "horse2zebra"."""
        return self.name.removeprefix(f"{self.method}-")

    @property
    def contents(self) -> str:
        """What the file holds, in a message."""
        return "weights"

    @property
    def by_hand(self) -> str:
        """How to get the file without a download by this program."""
        return f"get the file in another way and type `imgxlate weights import {self.name} FILE`"

    @property
    def asset(self) -> Path | None:
        """The file of bundled weights."""
        return paths.assets_dir() / self.bundled if self.bundled else None

    @property
    def document(self) -> Path | None:
        """The Markdown page of bundled weights: training data, license, limits, quality."""
        return self.asset.with_suffix(".md") if self.asset else None

    def fits(self, sha256: str) -> bool:
        """Whether the published checksum, or its published beginning, is that of a file with this one."""
        return sha256.startswith(self.sha256 or self.prefix or "")


@cache
def cards() -> Mapping[str, Card]:
    """The cards of the catalogue by name."""
    return MappingProxyType({card.name: card for card in read_catalogue(CATALOGUE)})


def bundled_models(method: str) -> list[Card]:
    """The generators of a method that ship with the package, in the order of the catalogue."""
    return [card for card in cards().values() if card.kind == "generator" and card.method == method and card.bundled]


def bundled_model(method: str, to: str | None = None) -> Card | None:
    """The default model of a method: its first generator in the catalogue that ships with the package.

    If some of them have a domain `to`, it is the first of those, and rather one whose B it is: a model with one
    direction turns A into B.
    """
    models = bundled_models(method)
    wanted = [
        card
        for place in (1, 0)
        for card in models
        if to is not None and card.domains is not None and card.domains[place].lower() == to.lower()
    ]
    return next(iter(wanted + models), None)


def find(name: str, method: str | None = None, known: Mapping[str, Card] | None = None) -> Card:
    """The card of that name among `known` (default: the catalogue), and among those of `method` if it is given.

    The method may be left out of the name unless several cards then have it: "horse2zebra" is "cyclegan-horse2zebra".

    Raises:
        WeightsError: no card has the name, or several do; the hint lists names that would work.
    """
    usable = {card.name: card for card in (known or cards()).values() if method in (None, card.method)}
    if name in usable:
        return usable[name]
    matches = [card for card in usable.values() if card.short == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listing = ", ".join(card.name for card in matches)
        raise WeightsError(f"several methods have weights named {name!r}", hint=f"Type one of {listing}.")
    names = [*usable, *(card.short for card in usable.values())]
    raise WeightsError(
        f"there are no weights named {name!r}{f' for {method}' if method else ''}",
        hint=did_you_mean(name, names) or "`imgxlate weights list` shows all names.",
    )


def read_catalogue(path: Path) -> Iterator[Card]:
    """The cards of a catalogue file, in its order.

    Raises:
        ValueError: the file is not TOML, or an entry has an unknown key or lacks one; names the entry.
    """
    return catalogue.read(path, "weights", Card)
