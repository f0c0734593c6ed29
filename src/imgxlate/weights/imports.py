"""Puts a file of the user's into the store: what no program may download, or a model of the user's own."""

import dataclasses
import re
import shutil
import tempfile
from pathlib import Path

from imgxlate import atomic
from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import UsageError, WeightsError
from imgxlate.weights.cards import Card, cards, find
from imgxlate.weights.records import Record, looks_like_web_page, sha256_of
from imgxlate.weights.store import Store, writing

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def find_card(name: str, method: str | None = None) -> Card | None:
    """The published card that `name` means, whole or short; None: no card has it, it can be a name of the user's own.

    Raises:
        UsageError: the card is another method's or in the package, or the short name fits several.
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
    notify: Notify = ignore,
) -> Record:
    """Copy `file` into the store, under the name of a card or, with `method`, under a name of the user's own.

    `domains` says what A and B are, where the card does not; `config` is the original's yaml, kept beside the file.
    `source` is what to record as its origin, where `file` was made from it.

    Raises:
        UsageError: the name cannot be, or a name of the user's own comes without a method.
        WeightsError: a file cannot be read or cannot be the card's, or the store cannot be written.
    """
    card = _card(name, file, method)
    card = dataclasses.replace(card, domains=domains or card.domains)
    settings = _read(config) if config else None
    if looks_like_web_page(_read(file, 64)):
        raise WeightsError(
            f"{file}: is a web page, not weights", hint=f"Open {card.page or 'its source'} in a browser."
        )
    with writing(store.root):
        record = _copy(store, card, file, source or file, settings)
    notify(f"{card.name}: imported, sha256 {record.sha256}; licence: {card.licence}")
    return record


def _card(name: str, file: Path, method: str | None) -> Card:
    """The card that `name` means; a name that no card has is a model of the user's own."""
    if method is None:
        return _published(name, method)
    return find_card(name, method) or _own(name, file, method)


def _published(name: str, method: str | None) -> Card:
    try:
        card = find(name, method)
    except WeightsError as error:
        raise UsageError(
            str(error), hint=f"{error.hint} For a model of your own, say its method: --method cyclegan."
        ) from error
    if card.bundled:
        raise UsageError(f"{name} is part of the package and needs no import", hint="Give your file another name.")
    return card


def _own(name: str, file: Path, method: str) -> Card:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a name of weights",
            hint="Use letters, digits, dots, dashes and underscores, 64 at most, a letter or digit first.",
        )
    return Card(
        name=name,
        kind="generator",
        method=method,
        summary="",
        filename=f"{name}{file.suffix}",
        licence="not known",
        citation="",
        page="",
    )


def _copy(store: Store, card: Card, file: Path, source: Path, settings: bytes | None) -> Record:
    store.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=store.root) as folder:
        copy = Path(shutil.copyfile(file, Path(folder) / card.filename))
        digest = sha256_of(copy)
        if not card.fits(digest):
            raise WeightsError(
                f"{file}: is not {card.filename} as it was published: its sha256 is {digest}, "
                f"not {card.sha256 or f'{card.prefix}...'}"
            )
        config = f"{card.name}.yaml" if settings is not None else None
        record = Record.of(card, digest, source=str(source.absolute()), trust="imported", config=config)
        if settings is not None:  # First, so that no record speaks of a file that is not there.
            atomic.write_bytes(store.file(record).parent / f"{card.name}.yaml", settings)
        store.keep(copy, record)
    return record


def _read(file: Path, size: int = -1) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(size)
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read: {error.strerror or error}") from error
