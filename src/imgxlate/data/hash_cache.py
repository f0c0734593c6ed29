"""Perceptual hashes of files, kept in the cache folder: a run looks for leaks without reading all images again."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from imgxlate import atomic, paths
from imgxlate.data.perceptual_hash import Hashes

_TABLE = """CREATE TABLE IF NOT EXISTS hashes (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, whole BLOB, inner BLOB
) WITHOUT ROWID"""
_WAIT = 1.0  # seconds for another process that writes


def recall(files: Iterable[Path]) -> dict[Path, Hashes]:
    """The hashes of those files that are known and have not changed since."""
    found: dict[Path, Hashes] = {}
    with contextlib.suppress(sqlite3.Error, OSError), _open() as database:
        for file in files:
            row = database.execute("SELECT * FROM hashes WHERE path = ?", (_key(file),)).fetchone()
            if row and row[1:3] == _state(file):
                found[file] = Hashes(*(np.unpackbits(np.frombuffer(bits, np.uint8)).astype(bool) for bits in row[3:]))
    return found


def remember(images: Iterable[tuple[Path, Hashes]]) -> None:
    """Keep the hashes of these files. If the cache folder cannot be written, nothing is kept."""
    with contextlib.suppress(sqlite3.Error, OSError), _open() as database:
        rows = (
            (_key(file), *_state(file), np.packbits(hashes.whole).tobytes(), np.packbits(hashes.inner).tobytes())
            for file, hashes in images
        )
        database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?)", rows)


@contextlib.contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    """The database. Changes are kept at the end of the block."""
    path = paths.cache_dir() / "data" / "hashes.sqlite"
    atomic.make_folder(path.parent)
    with contextlib.closing(sqlite3.connect(path, timeout=_WAIT)) as database, database:
        database.execute(_TABLE)
        yield database


def _key(file: Path) -> bytes:
    return os.fsencode(file.absolute())


def _state(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns
