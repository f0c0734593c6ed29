"""What a model's file states about its images, before the model is loaded. Imports no torch."""

from pathlib import Path

from imgxlate import paths
from imgxlate.checkpoint_header import read_header
from imgxlate.weights import cards
from imgxlate.weights.store import Store


def states_color(method: str, name: str | None, checkpoint: Path | None) -> bool:
    """Whether the images of a model are certainly in color: it is published, or a file of ours that states it.

    If they may be others, only the loaded model tells: the file of an original shows it by the shapes of its weights.

    Raises:
        WeightsError: the method has no model of that name.
    """
    if checkpoint is None and name is None:
        return True  # the bundled model
    if checkpoint is None:
        store = Store()
        card = store.find(str(name), method)
        record = store.record(card.name)
        if card.name in cards.cards() or record is None:
            return True
        checkpoint = store.file(record)
    header = read_header(paths.run_model(checkpoint) if paths.is_folder(checkpoint) else checkpoint)
    return header is not None and "kind" not in header and "images" not in header  # A model states other images only.
