"""Files with the same bytes. Imports no torch."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from imgxlate.downloads.remote import sha256_of

_SAMPLE = 4096  # bytes


def copies(files: Iterable[Path]) -> list[list[Path]]:
    """The files that are not alone: each list holds all files with the same bytes, in their order.

    Sizes and a few bytes tell most files apart, so few are read as a whole. A file that cannot be read is alone.
    """
    groups = [list(files)]
    for key in (_size, _middle, sha256_of):
        groups = [part for group in groups for part in _parts(group, key)]
    return groups


def _parts(files: Sequence[Path], key: Callable[[Path], object]) -> list[list[Path]]:
    """The files with the same key; without those that are alone."""
    parts: dict[object, list[Path]] = {}
    for file in files:
        try:
            parts.setdefault(key(file), []).append(file)
        except OSError:
            continue
    return [part for part in parts.values() if len(part) > 1]


def _size(file: Path) -> int:
    return file.stat().st_size


def _middle(file: Path) -> bytes:
    """Some bytes from the middle: headers are often the same."""
    with file.open("rb") as opened:
        opened.seek(_size(file) // 2)
        return opened.read(_SAMPLE)
