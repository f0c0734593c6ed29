"""The store: weights on this machine, kept by their sha256 in the cache folder.

weights/<sha256>/<file name>     the files
weights/records/<name>.json      which file each name means, and where it came from
weights/partial/<name>/          unfinished downloads
weights/locks/<name>.lock        lets processes that want the same file wait for the one that downloads it

Several processes, and several machines with a common home folder, may use one store at the same time.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from imgxlate import atomic, paths, signatures
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.downloads import partials
from imgxlate.downloads.partials import Patience
from imgxlate.downloads.remote import announce, sha256_of, trust_in
from imgxlate.errors import NetworkError, OutputError, WeightsError
from imgxlate.weights import cards as catalogue
from imgxlate.weights.cards import Card
from imgxlate.weights.records import Record


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of computing a file's hash again."""

    name: str
    path: Path | None  # None: the file is missing
    fault: str | None  # None: the file is whole
    mend: str | None = None  # the command that repairs it; None: the file is whole


@dataclass(frozen=True, slots=True)
class Store:
    """The weights under `root`, which may be read-only."""

    root: Path = field(default_factory=lambda: paths.cache_dir() / "weights")
    patience: Patience = field(default_factory=Patience)

    def path(self, card: Card, *, offline: bool = False, progress: Progress = ignore, notify: Notify = ignore) -> Path:
        """The whole file of `card`. If it is missing or damaged, it is downloaded first, unless `offline`.

        Raises:
            NetworkError: the download fails or is forbidden.
            WeightsError: the file is missing and no program can download it, or the store cannot be written.
        """
        if card.asset:
            return _present_asset(card, card.asset)
        return self._present(card, notify) or self._obtain(card, offline or paths.offline(), progress, notify)

    def cards(self) -> dict[str, Card]:
        """All cards by name: those of the catalogue, then the user's own. A record's card replaces the catalogue's."""
        return {**catalogue.cards(), **{record.card.name: record.card for record in self.records()}}

    def find(self, name: str, method: str | None = None) -> Card:
        """The card of that name, published or the user's own; see `imgxlate.weights.cards.find`.

        Raises:
            WeightsError: no card has the name, or several do.
        """
        return catalogue.find(name, method, self.cards())

    def describe(self, card: Card) -> dict[str, Any]:
        """The facts of a card and of its file, as JSON documents have them."""
        record = self.record(card.name)
        facts = {"licence" if key == "license" else key: value for key, value in asdict(card).items()}
        return facts | {
            "status": self.status(card),
            "sha256": record.sha256 if record else card.sha256,
            "trust": record.trust if record else None,
            "path": _text(self.file(record) if record else card.asset),
            "document": _text(card.document),
        }

    def status(self, card: Card) -> str:
        """How to get the file of a card, in a word or two."""
        if card.bundled:
            return "bundled"
        if self.record(card.name):
            return "here"
        return "downloadable" if card.urls else "by hand"

    def record(self, name: str) -> Record | None:
        """The record of a name."""
        return Record.read(self._record_path(name))

    def has_record(self, name: str) -> bool:
        """Whether there is a record of a name, readable or not."""
        return self._record_path(name).exists()

    def records(self) -> tuple[Record, ...]:
        """All records, sorted by name."""
        found = (Record.read(path) for path in sorted(self.root.glob("records/*.json")))
        return tuple(record for record in found if record)

    def config(self, name: str) -> Path | None:
        """The original's yaml that was imported with the weights of that name."""
        record = self.record(name)
        return self.file(record).parent / record.config if record and record.config else None

    def file(self, record: Record) -> Path:
        """The path of a record's file."""
        return self.root / record.sha256 / record.card.filename

    def verify(self, names: Iterable[str] | None = None) -> tuple[Verification, ...]:
        """Compute the hashes of these weights again. Default: of all that are here.

        Raises:
            WeightsError: a name is unknown.
        """
        if names is None:
            bundled = [card.name for card in catalogue.cards().values() if card.bundled]
            names = [*bundled, *(record.card.name for record in self.records())]
        return tuple(self._verify(card) for card in dict.fromkeys(map(self.find, names)))

    def keep(self, file: Path, record: Record) -> Path:
        """Move a whole `file` into the store and write its record.

        Raises:
            OSError, OutputError: the store cannot be written.
        """
        with file.open("r+b") as whole:
            os.fsync(whole.fileno())
        target = self.file(record)
        atomic.make_folder(target.parent)
        file.replace(target)
        atomic.flush_folder(target.parent)
        self._note_unchanged(record)
        return target

    def _present(self, card: Card, notify: Notify) -> Path | None:
        """The file of a card, if the store holds it whole."""
        record = self.record(card.name)
        if record is None or not card.fits(record.sha256) or not self.file(record).is_file():
            return None
        file = self.file(record)
        status = file.stat()
        if (status.st_size, status.st_mtime_ns) != (record.size, record.mtime_ns):
            if sha256_of(file) != record.sha256:
                notify(f"{card.name}: {file} is damaged")
                return None
            with contextlib.suppress(OutputError):  # In a read-only store, the hash is computed each time.
                self._note_unchanged(record)
        return file

    def _obtain(self, card: Card, offline: bool, progress: Progress, notify: Notify) -> Path:
        missing = f"{card.name} is damaged or gone" if self.record(card.name) else f"{card.name} is not here"
        by_hand = f"`{_import_command(card)}`"
        if not card.urls:
            raise WeightsError(
                f"{missing}, and no program can download it", hint=f"{card.manual}, then type {by_hand}."
            )
        if offline:
            raise NetworkError(
                f"{missing}, and the network is switched off (--offline or IMGXLATE_OFFLINE)",
                hint=f"With a network, type `imgxlate weights download {card.name}`; without, {by_hand}.",
            )
        with writing(self.root), partials.locked(self.root, card.name, self.patience, notify):
            # Another process may have downloaded it while this one waited.
            return self._present(card, notify) or self._download(card, progress, notify)

    def _download(self, card: Card, progress: Progress, notify: Notify) -> Path:
        from imgxlate.downloads.http import fetch  # Imported late: requests takes longer than most commands.

        known = self.record(card.name)
        expected = known.sha256 if known and known.trust != "imported" and card.fits(known.sha256) else None
        partials.prune(self.root / "partial")
        with partials.claim(self.root / "partial" / card.name) as partial:
            fetched = fetch(card, partial, self.patience, expected, progress)
            record = Record(card=card, sha256=fetched.sha256, source=fetched.url, trust=trust_in(card))
            file = self.keep(fetched.file, record)
        if not expected:
            announce(card, fetched.url, record.sha256, notify)
        return file

    def _verify(self, card: Card) -> Verification:
        if card.asset:
            return _verification(card, card.asset, card.sha256)
        record = self.record(card.name)
        if record is None:
            return Verification(card.name, None, "is not here", _mend(card))
        found = _verification(card, self.file(record), record.sha256)
        with contextlib.suppress(OutputError):  # A read-only store keeps its records as they are.
            if found.fault:
                replace(record, mtime_ns=0).write(self._record_path(card.name))
            else:
                self._note_unchanged(record)
        return found

    def _note_unchanged(self, record: Record) -> None:
        """Record that the file, with its present size and time, has the record's hash."""
        status = self.file(record).stat()
        noted = replace(record, size=status.st_size, mtime_ns=status.st_mtime_ns)
        noted.write(self._record_path(record.card.name))

    def _record_path(self, name: str) -> Path:
        return self.root / "records" / f"{name}.json"


def find_features(name: str, download: Callable[[Card], Path]) -> Path:
    """The file of a feature network, such as VGG-19. `name` is a card's or a file's.

    `download` returns the file of a card's weights, and downloads it if it is missing.

    Raises:
        WeightsError: no card and no file has the name, or the download fails.
    """
    if name not in catalogue.cards() and paths.exists(name):
        return Path(name)
    return download(catalogue.find(name))


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Turn an error of the disk into one that says what to do.

    Raises:
        WeightsError: the block raised an `OSError` or an `OutputError`.
    """
    try:
        yield
    except (OSError, OutputError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(
            f"the weights folder {root} cannot be written: {reason}",
            hint="Free some space or make the folder writable, or choose another one with IMGXLATE_CACHE.",
        ) from error


def _mend(card: Card) -> str:
    """The command that replaces a damaged file."""
    if card.bundled:
        return "pip install --force-reinstall imgxlate"
    return f"imgxlate weights download {card.name}" if card.urls else _import_command(card)


def _import_command(card: Card) -> str:
    own = card.name not in catalogue.cards()
    return f"imgxlate weights import {card.name} FILE" + (f" --method {card.method}" if own else "")


def _present_asset(card: Card, file: Path) -> Path:
    if not file.is_file():
        raise WeightsError(f"{file}: is missing, though it is part of the package", hint=f"Type `{_mend(card)}`.")
    return file


def _verification(card: Card, file: Path, sha256: str | None) -> Verification:
    if not file.is_file():
        return Verification(card.name, None, f"{file} is missing", _mend(card))
    found = sha256_of(file)
    if sha256 in (None, found):
        return Verification(card.name, file, None)
    if signatures.recognize(signatures.first_bytes(file)) is signatures.LFS_POINTER:
        return Verification(card.name, file, f"{file} is {signatures.LFS_POINTER.title}", "git lfs pull")
    return Verification(card.name, file, f"{file} is damaged: its sha256 is {found}, not {sha256}", _mend(card))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
