"""Imports a file into the store, after the method has opened it."""

from collections.abc import Sequence
from pathlib import Path

from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import UsageError
from imgxlate.inference.loading import check_features, import_model
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.weights.imports import find_card, import_file
from imgxlate.weights.records import Record
from imgxlate.weights.store import Store


def import_weights(
    store: Store,
    name: str,  # of a card, or of the user's choice
    file: Path,
    *,
    method: str | None = None,  # None: the card's
    domains: tuple[str, str] | None = None,  # the names of A and B, if the card or the file does not have them
    config: Path | None = None,  # the original's yaml, which is kept beside the file
    generators: Sequence[str] = (),  # the networks to take from an original's file, by their names in it
    overwrite: bool = False,  # whether to replace another model of the user's with that name
    notify: Notify = ignore,
) -> Record:
    """Check that `file` holds what `name` and `method` say, and copy it into the store under `name`.

    Raises:
        CheckpointError: the file is damaged, or holds other weights than the method's.
        UsageError: the name is invalid or another model's, or no card has it and no method is given.
        WeightsError: the file is not the card's, or the store cannot be written.
    """
    card = find_card(name, method)
    if card and card.kind == "metric":  # The store checks the file by its published hash.
        return import_file(store, card.name, file, notify=notify)
    if card and card.kind == "features":
        check_features(registry.find(card.method, Capability.STYLIZE), file)
        return import_file(store, card.name, file, notify=notify)
    method = card.method if card else method
    if method is None:
        raise UsageError(
            f"the method of {file} is not known",
            hint="Add its method, such as --method munit. `imgxlate methods` lists them.",
        )
    spec = registry.find(method, Capability.TRANSLATE)
    return import_model(
        spec,
        store,
        name,
        file,
        domains=domains,
        config=config,
        generators=generators,
        overwrite=overwrite,
        notify=notify,
    )
