"""Weights for a command: from the store, downloaded with a bar where they are missing."""

from pathlib import Path

from imgxlate import paths
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.weights import cards
from imgxlate.weights.cards import Card
from imgxlate.weights.store import Store


def fetch(output: Output, store: Store, card: Card, *, offline: bool) -> Path:
    """The file of a card's weights, downloaded first where it is missing.

    Raises:
        WeightsError: it cannot be had, or is not what it should be.
    """
    with Bar(output, card.name, card.size, "bytes").shown() as bar:
        return store.path(card, offline=offline or paths.offline(), progress=bar.update, notify=output.note)


def find_features(output: Output, name: str, *, offline: bool) -> Path:
    """The feature network that `name` means: a card's name, or a file.

    Raises:
        WeightsError: there is neither a file nor a card of that name, or the card's weights cannot be had.
    """
    if name not in cards.cards() and Path(name).exists():
        return Path(name)
    return fetch(output, Store(), cards.find(name), offline=offline)
