"""`download_data`: public data sets, downloaded by name and unpacked for training.

Unfinished downloads, locks and records are in the cache folder, the images in the data folder:

data/records/<name>.json   the sha256 and the source of the archive, and where its images are
data/partial/<name>/       unfinished downloads
data/locks/<name>.lock     lets processes that want the same set wait for the one that downloads it
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from imgxlate import atomic, paths
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.data import public_sets
from imgxlate.data.public_sets import PublicSet
from imgxlate.downloads import partials
from imgxlate.downloads.partials import Patience
from imgxlate.downloads.remote import announce
from imgxlate.errors import NetworkError, OutputError

PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Record:
    """A data set that was downloaded."""

    sha256: str  # of the archive
    source: str  # its address
    folder: str  # of the images
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))  # ISO 8601, UTC

    @classmethod
    def read(cls, name: str) -> Self | None:
        """The record of a data set, or None if there is none or it is damaged."""
        try:
            return cls(**json.loads(_record_path(name).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, name: str) -> None:
        """Keep the record.

        Raises:
            OutputError: the cache folder cannot be written.
        """
        atomic.write_bytes(_record_path(name), json.dumps(asdict(self), indent=2).encode())


def download_data(
    name: str,
    *,
    out: str | Path | None = None,
    offline: bool = False,
    progress: Progress = ignore,
    notify: Notify = ignore,
) -> Path:
    """Download a public data set, unless it is here, and unpack it. Returns the folder that holds trainA and trainB.

        >>> folder = imgxlate.download_data("horse2zebra", out="horse2zebra/")  # doctest: +SKIP
        >>> imgxlate.train("cyclegan", folder, out="runs/zebra")  # doctest: +SKIP

    An interrupted download is continued by the next call. The archive is removed after it was unpacked. A later
    download must have the sha256 of the first one.

    Args:
        name: A name of `imgxlate data list`.
        out: The folder for the images, new or empty. None: a folder of that name in the data folder, which is
            `IMGXLATE_DATA` or the platform's.
        offline: Do not use the network.
        progress: Called with the number of bytes received, and of all.
        notify: Called with messages for the user.

    Raises:
        UsageError: there is no set of that name.
        NetworkError: the download fails or is forbidden, or the archive is damaged or unsafe.
        OutputError: `out` exists and is not empty, or a folder cannot be written.
    """
    card = public_sets.find(name)
    folder = paths.data_dir() / card.name if out is None else Path(out)
    if is_here(card, folder):
        return folder
    atomic.require_new_folder(folder)
    if offline or paths.offline():
        raise NetworkError(
            f"{name} is not here, and the network is switched off (--offline or IMGXLATE_OFFLINE)",
            hint=f"With a network, type `imgxlate data download {name}`.",
        )
    root = _root()
    try:
        with partials.locked(root, card.name, PATIENCE, notify):
            # Another process may have downloaded it while this one waited.
            return folder if is_here(card, folder) else _download(card, folder, root, progress, notify)
    except OSError as error:
        raise OutputError(
            f"{root} cannot be written: {error.strerror or error}",
            hint="Free some space or make the folder writable, or choose another one with IMGXLATE_CACHE.",
        ) from error


def describe(card: PublicSet) -> dict[str, Any]:
    """The facts of a card and of its images, as JSON documents have them."""
    record = Record.read(card.name)
    folder = Path(record.folder) if record else None
    facts = {"licence" if key == "license" else key: value for key, value in asdict(card).items()}
    return facts | {
        "status": "here" if folder and _holds_images(folder) else "downloadable",
        "sha256": record.sha256 if record else None,
        "path": str(folder) if folder and _holds_images(folder) else None,
    }


def is_here(card: PublicSet, folder: Path) -> bool:
    """Whether `folder` holds the images of a set. They were unpacked whole or not at all."""
    record = Record.read(card.name)
    return record is not None and Path(record.folder) == folder.absolute() and _holds_images(folder)


def _holds_images(folder: Path) -> bool:
    return all((folder / part).is_dir() for part in ("trainA", "trainB"))


def _download(card: PublicSet, folder: Path, root: Path, progress: Progress, notify: Notify) -> Path:
    from imgxlate.downloads.http import fetch  # Imported late: requests takes longer than most commands.

    known = Record.read(card.name)
    partials.prune(root / "partial")
    with partials.claim(root / "partial" / card.name) as partial:
        fetched = fetch(card, partial, PATIENCE, known.sha256 if known else None, progress)
        with atomic.folder_writer(folder) as unpacked:
            try:
                _unpack(card, fetched.file, unpacked, notify)
            except NetworkError:
                partial.discard()
                raise
        Record(fetched.sha256, fetched.url, str(folder.absolute())).write(card.name)
        partial.discard()
    if not known:
        announce(card, fetched.url, fetched.sha256, notify)
    return folder


def _unpack(card: PublicSet, archive: Path, folder: Path, notify: Notify) -> None:
    """Fill `folder` with the images in an archive.

    Raises:
        NetworkError: the archive is damaged or unsafe, or lacks images.
    """
    from imgxlate.data import archives  # Imported late: Pillow takes longer than `imgxlate data list`.

    try:
        archives.unpack_images(archive, card.folders, folder)
        if card.paired:
            notify(f"{card.name}: cutting each image into its two halves, which takes minutes")
            for part in card.folders:
                archives.cut_pairs(folder / part, folder / f"{part}A", folder / f"{part}B")
        if not _holds_images(folder):
            raise archives.ArchiveError(f"it does not hold images in all of {', '.join(card.folders.values())}")
    except archives.ArchiveError as error:
        raise NetworkError(
            f"{card.name}: the archive is unusable: {error}",
            hint=f"Try again later, or {card.by_hand}. See {card.page}.",
        ) from error


def _root() -> Path:
    return paths.cache_dir() / "data"


def _record_path(name: str) -> Path:
    return _root() / "records" / f"{name}.json"
