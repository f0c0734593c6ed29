"""The store: weights on this machine, kept by their sha256 in the cache folder.

    weights/<sha256>/<file name>     the files
    weights/records/<name>.json      what is held under each name, and how it came there
    weights/partial/<name>/          downloads under way, and the beginnings that interrupted ones left
    weights/locks/<name>.lock        lets processes that want the same file wait for the one that fetches it

Correctness does not rest on the locks: where they do nothing, files are fetched more than once and are still right.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from imgxlate import paths
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.errors import NetworkError, OutputError, WeightsError
from imgxlate.weights import cards as published
from imgxlate.weights import partials
from imgxlate.weights.cards import Card
from imgxlate.weights.patience import Patience
from imgxlate.weights.records import Record, Trust, sha256_of


@dataclass(frozen=True, slots=True)
class Verification:
    """What computing a file's hash again showed."""

    name: str
    path: Path | None  # None: there is no such file here
    fault: str | None  # None: it is whole
    mend: str | None = None  # the command that puts it right; None: it is whole


@dataclass(frozen=True, slots=True)
class Store:
    """The weights under `root`. Several processes, and users of a read-only folder, may share it."""

    root: Path = field(default_factory=lambda: paths.cache_dir() / "weights")
    patience: Patience = field(default_factory=Patience)

    def path(self, card: Card, *, offline: bool = False, progress: Progress = ignore, notify: Notify = ignore) -> Path:
        """The file of `card`, whole; downloaded first where it is missing or damaged, unless `offline`.

        Raises:
            NetworkError: it must be downloaded and cannot be, or may not be.
            WeightsError: it is missing, and no program can fetch it; or the store cannot be written.
        """
        if card.asset:
            return _present_asset(card, card.asset)
        return self._present(card, notify) or self._obtain(card, offline or paths.offline(), progress, notify)

    def find(self, name: str, method: str | None = None) -> Card:
        """The card of that name, published or imported, its domains named as at its import; see `cards.find`.

        Raises:
            WeightsError: there is none.
        """
        own = {record.name: record.card() for record in self.records() if record.name not in published.cards()}
        card = published.find(name, method, {**published.cards(), **own})
        record = self.record(card.name)
        return replace(card, domains=record.domains) if record else card

    def record(self, name: str) -> Record | None:
        """What is held under a name."""
        return Record.read(self._record_path(name))

    def records(self) -> tuple[Record, ...]:
        """All that is held, by name."""
        found = (Record.read(path) for path in sorted(self.root.glob("records/*.json")))
        return tuple(record for record in found if record)

    def names(self) -> set[str]:
        """The names of all weights: published, bundled, and imported."""
        return {*published.cards(), *(record.name for record in self.records())}

    def config(self, name: str) -> Path | None:
        """The original's yaml that was imported with the weights of that name."""
        record = self.record(name)
        return self.file(record).parent / record.config if record and record.config else None

    def file(self, record: Record) -> Path:
        """Where a record's file lies."""
        return self.root / record.sha256 / record.filename

    def verify(self, names: Iterable[str] | None = None) -> tuple[Verification, ...]:
        """Compute the hashes of these weights again, or of all that are here.

        Raises:
            WeightsError: a name is unknown.
        """
        if names is None:
            bundled = [card.name for card in published.cards().values() if card.bundled]
            names = [*bundled, *(record.name for record in self.records())]
        verified = {card: self._verify(card) for card in map(self.find, names)}
        return tuple(replace(found, mend=_mend(card)) if found.fault else found for card, found in verified.items())

    def keep(self, file: Path, record: Record) -> Path:
        """Move `file` into the store, whole, and enter it under the record's name.

        Raises:
            OSError, OutputError: the store cannot be written.
        """
        with file.open("r+b") as whole:
            os.fsync(whole.fileno())
        target = self.file(record)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
        self._note_unchanged(record)
        return target

    def _present(self, card: Card, notify: Notify) -> Path | None:
        record = self.record(card.name)
        if record is None or not card.fits(record.sha256) or not self.file(record).is_file():
            return None
        file = self.file(record)
        status = file.stat()
        if (status.st_size, status.st_mtime_ns) != (record.size, record.mtime_ns):
            if sha256_of(file) != record.sha256:
                notify(f"{card.name}: {file} is damaged")
                return None
            with contextlib.suppress(OutputError):  # A read-only store computes the hash each time.
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
        with writing(self.root), self._turn(card.name, notify):
            # Another process may have fetched it while this one waited.
            return self._present(card, notify) or self._download(card, progress, notify)

    def _download(self, card: Card, progress: Progress, notify: Notify) -> Path:
        from imgxlate.weights.download import fetch  # Imported late: requests takes longer than most commands.

        known = self.record(card.name)
        expected = known.sha256 if known and known.trust != "imported" and card.fits(known.sha256) else None
        partials.prune(self.root / "partial")
        with partials.claim(self.root / "partial" / card.name) as partial:
            fetched = fetch(card, partial, self.patience, expected, progress)
            record = Record.of(card, fetched.sha256, source=fetched.url, trust=_trust(card))
            file = self.keep(fetched.file, record)
        if not expected:
            notify(f"{card.name}: downloaded from {fetched.url}; licence: {card.licence}")
            if fetched.url.startswith("http://") and not card.sha256:
                notify(f"{card.name}: it came over plain http, where others on the way can change what is sent")
            notify(_WHAT_THE_HASH_RESTS_ON[record.trust].format(name=card.name, sha256=record.sha256))
        return file

    @contextlib.contextmanager
    def _turn(self, name: str, notify: Notify) -> Iterator[None]:
        """Wait until no other process fetches the weights of that name, though not for ever."""
        from filelock import FileLock, Timeout

        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
        # Timeout is an OSError; so is what a file system without locks answers.
        with contextlib.suppress(OSError, NotImplementedError):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                other = partials.owner(self.root / "partial" / name) or "another process"
                notify(f"{name}: waiting for {other}, which is downloading it")
                lock.acquire(timeout=self.patience.turn)
        try:
            yield
        finally:
            lock.release()

    def _verify(self, card: Card) -> Verification:
        if card.asset:
            return _verification(card.name, card.asset, card.sha256)
        record = self.record(card.name)
        if record is None:
            return Verification(card.name, None, "is not here")
        found = _verification(card.name, self.file(record), record.sha256)
        with contextlib.suppress(OutputError):  # A read-only store keeps no notes.
            if found.fault:
                replace(record, mtime_ns=0).write(self._record_path(card.name))
            else:
                self._note_unchanged(record)
        return found

    def _note_unchanged(self, record: Record) -> None:
        """Record that the file, as it lies there, has the record's hash."""
        status = self.file(record).stat()
        noted = replace(record, size=status.st_size, mtime_ns=status.st_mtime_ns)
        noted.write(self._record_path(record.name))

    def _record_path(self, name: str) -> Path:
        return self.root / "records" / f"{name}.json"


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Turn what a disk answers into an error that says what to do.

    Raises:
        WeightsError: the block met an `OSError` or an `OutputError`.
    """
    try:
        yield
    except (OSError, OutputError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(
            f"the weights folder {root} cannot be written: {reason}",
            hint="Make room in it or make it writable, or name another one with IMGXLATE_CACHE.",
        ) from error


_WHAT_THE_HASH_RESTS_ON: Mapping[Trust, str] = {
    "published": "{name}: its sha256 is the one that the source publishes",
    "prefix": "{name}: its sha256 begins as the source publishes; the whole, {sha256}, is checked from here on",
    "first-use": "{name}: the source publishes no hash; this file's sha256, {sha256}, is checked from here on",
}


def _trust(card: Card) -> Trust:
    if card.sha256:
        return "published"
    return "prefix" if card.prefix else "first-use"


def _mend(card: Card) -> str:
    if card.bundled:
        return "pip install --force-reinstall imgxlate"
    return f"imgxlate weights download {card.name}" if card.urls else _import_command(card)


def _import_command(card: Card) -> str:
    own = card.name not in published.cards()
    return f"imgxlate weights import {card.name} FILE" + (f" --method {card.method}" if own else "")


def _present_asset(card: Card, file: Path) -> Path:
    if not file.is_file():
        raise WeightsError(f"{file}: is missing, though it is part of the package", hint=f"Type `{_mend(card)}`.")
    return file


def _verification(name: str, file: Path, sha256: str | None) -> Verification:
    if not file.is_file():
        return Verification(name, None, f"{file} is missing")
    found = sha256_of(file)
    damaged = f"{file} is damaged: its sha256 is {found}, not {sha256}"
    return Verification(name, file, None if sha256 in (None, found) else damaged)
