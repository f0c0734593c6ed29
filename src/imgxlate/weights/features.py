"""Feature networks, such as VGG-19, by name or by file."""

from pathlib import Path

from imgxlate import paths
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.weights import cards
from imgxlate.weights.store import Store


def find_features(name: str, *, offline: bool = False, progress: Progress = ignore, notify: Notify = ignore) -> Path:
    """The file of a feature network: of a card's name, downloaded if it is missing, or the file `name` itself.

    Raises:
        WeightsError: there is neither a card nor a file of that name, or it cannot be downloaded.
    """
    if name not in cards.cards() and Path(name).exists():
        return Path(name)
    card = cards.find(name)
    return Store().path(card, offline=offline or paths.offline(), progress=progress, notify=notify)
