"""Puts a file of the user into the store: weights that no program may download, or a model of the user's own."""

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from imgxlate import atomic, signatures
from imgxlate.callbacks import Notify, ignore
from imgxlate.downloads.remote import sha256_of
from imgxlate.errors import UsageError, WeightsError, disk_hint
from imgxlate.weights.cards import Card, cards, find
from imgxlate.weights.records import Record, own_card
from imgxlate.weights.store import Store, writing

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def find_card(name: str, method: str | None = None) -> Card | None:
    """The card of the catalogue that `name` means, with or without its method. None: the user may take the name.

    Raises:
        UsageError: the card is bundled or belongs to another method, or several cards have the short name.
    """
    short = [card.short for card in cards().values() if method in (None, card.method)]
    return _published(name, method) if name in cards() or name in short else None


def import_file(
    store: Store,
    name: str,
    file: Path,
    *,
    method: str | None = None,
    domains: tuple[str, str] | None = None,
    config: Path | None = None,
    source: Path | None = None,
    overwrite: bool = False,
    notify: Notify = ignore,
) -> Record:
    """Copy `file` into the store, under the name of a card or, with `method`, under a name of the user's choice.

    `domains` are the names of A and B, if they differ from the card's. `config` is the original's yaml, which is kept
    beside the file. `source` is recorded as the file's origin (default: `file`). `overwrite` allows that another model
    of the user's with that name is replaced.

    Raises:
        UsageError: the name is invalid or another model's, or no card has it and no method is given.
        WeightsError: a file cannot be read or is not the card's, or the store cannot be written.
    """
    card = _card(name, file, method)
    card = replace(card, domains=domains or card.domains)
    settings = _read(config) if config else None
    if other := signatures.recognize(_read(file, 64)):
        where = f" See {card.page}." if card.page else ""
        raise WeightsError(f"{file}: is {other.title}, not weights", hint=f"{other.hint}{where}")
    with writing(store.root):
        record = _copy(store, card, file, source or file, settings, overwrite)
    notify(f"{card.name}: imported, sha256 {record.sha256}; license: {card.license}")
    return record


def _card(name: str, file: Path, method: str | None) -> Card:
    """The card that `name` means. With `method`, a name that no card has is a model of the user's own."""
    if method is None:
        return _published(name, method)
    return find_card(name, method) or _own(name, file, method)


def _published(name: str, method: str | None) -> Card:
    try:
        card = find(name, method)
    except WeightsError as error:
        raise UsageError(
            str(error), hint=f"{error.hint} For a model of your own, add its method: --method cyclegan."
        ) from error
    if card.bundled:
        raise UsageError(
            f"{name} is part of the package and needs no import", hint="Choose another name for your file."
        )
    return card


def _own(name: str, file: Path, method: str) -> Card:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a valid name for weights",
            hint="Use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or a digit.",
        )
    return own_card(name=name, method=method, filename=f"{name}{file.suffix}")


def _copy(store: Store, card: Card, file: Path, source: Path, settings: bytes | None, overwrite: bool) -> Record:
    atomic.make_folder(store.root)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=store.root) as folder:
        copy = Path(shutil.copyfile(file, Path(folder) / card.filename))
        digest = sha256_of(copy)
        if not card.fits(digest):
            raise WeightsError(
                f"{file}: is not the published {card.filename}: its sha256 is {digest}, "
                f"not {card.sha256 or f'{card.prefix}...'}",
                hint=f"Download it again. See {card.page}.",
            )
        if not overwrite:
            _require_free(store, card, digest)
        config = f"{card.name}.yaml" if settings is not None else None
        record = Record(card=card, sha256=digest, source=str(source.absolute()), trust="imported", config=config)
        if settings is not None:  # First, so that no record names a file that does not exist.
            atomic.write_bytes(store.file(record).parent / f"{card.name}.yaml", settings)
        store.keep(copy, record)
    return record


def _require_free(store: Store, card: Card, digest: str) -> None:
    """Check that a model of the user's would not replace another one, which the store holds under the same name.

    Raises:
        UsageError: it would.
    """
    known = store.record(card.name)
    if card.name in cards():
        return
    if known is None and store.has_record(card.name):
        raise UsageError(
            f"{card.name} is the name of another model, whose record cannot be read",
            hint="Choose another name, or add --overwrite to replace that model.",
        )
    if known is None or known.sha256 == digest or not store.file(known).exists():
        return
    raise UsageError(
        f"{card.name} is the name of another model, imported from {known.source}",
        hint="Choose another name, or add --overwrite to replace that model.",
    )


def _read(file: Path, size: int = -1) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(size)
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read: {error.strerror or error}", hint=disk_hint(error)) from error
