"""Cards: which weights exist, where they come from, and under which licence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from imgxlate import paths
from imgxlate.config import did_you_mean
from imgxlate.errors import WeightsError

Kind = Literal["generator", "features", "metric"]
Convention = Literal["caffe", "caffe-rgb", "torchvision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Weights that can be used by name: in the package, to be downloaded, or to be fetched by hand and imported."""

    name: str  # "cyclegan-horse2zebra"; unique, and safe as a file name
    kind: Kind  # a translation model, a network whose features are optimised for, or one that only measures
    method: str  # the method that uses it, "cyclegan"
    summary: str
    filename: str  # the file's name in the store, whatever a server calls it
    licence: str
    citation: str
    page: str  # where the source describes it
    urls: tuple[str, ...] = ()  # the same file at several places, to be tried in this order
    size: int | None = None  # bytes, to within `SIZE_TOLERANCE`; None: not known
    sha256: str | None = None  # 64 hex digits, where the source publishes them
    prefix: str | None = None  # ... or only the first few
    domains: tuple[str, str] | None = None  # what A and B are; a one-way model turns A into B
    convention: Convention | None = None  # how a feature network expects its pixels
    bundled: str | None = None  # the file's name among the package's assets
    manual: str | None = None  # how a person gets a file that no program may fetch

    @property
    def short(self) -> str:
        """The name without its method: "horse2zebra"."""
        return self.name.removeprefix(f"{self.method}-")

    @property
    def asset(self) -> Path | None:
        """The file of bundled weights."""
        return paths.assets_dir() / self.bundled if self.bundled else None

    @property
    def document(self) -> Path | None:
        """The page, in Markdown, that tells of bundled weights: data, licence, limits, quality."""
        return self.asset.with_suffix(".md") if self.asset else None

    def fits(self, sha256: str) -> bool:
        """Whether a file with this hash can be what the source published."""
        return sha256.startswith(self.sha256 or self.prefix or "")


SIZE_TOLERANCE = 0.1
"""Published sizes are rounded, and containers add to the weights: a file is refused outside of this fraction."""


def bundled_model(method: str) -> Card | None:
    """The model that a method uses where none is named: the first of it that ships with the package."""
    models = (card for card in cards().values() if card.kind == "generator" and card.method == method and card.bundled)
    return next(models, None)


@cache
def cards() -> Mapping[str, Card]:
    """Every card by its name."""
    from imgxlate.weights.catalogue import CATALOGUE

    return MappingProxyType({card.name: card for card in CATALOGUE})


def find(name: str, method: str | None = None, known: Mapping[str, Card] | None = None) -> Card:
    """The card of that name, among `known` (all there are) and those of `method` (any).

    The method's name may be left out where this leaves no doubt: "horse2zebra" is "cyclegan-horse2zebra".

    Raises:
        WeightsError: there is none, or the short name fits several; says which names would do.
    """
    usable = {card.name: card for card in (known or cards()).values() if method in (None, card.method)}
    if name in usable:
        return usable[name]
    matches = [card for card in usable.values() if card.short == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listing = ", ".join(card.name for card in matches)
        raise WeightsError(f"{name!r} are the weights of several methods", hint=f"Say which: {listing}.")
    names = [*usable, *(card.short for card in usable.values())]
    raise WeightsError(
        f"there are no weights named {name!r}{f' for {method}' if method else ''}",
        hint=did_you_mean(name, names) or "`imgxlate weights list` shows those there are.",
    )
