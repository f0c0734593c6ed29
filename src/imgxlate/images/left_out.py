"""Files in a folder that look like images and are not read. Imports no Pillow, numpy or torch."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from imgxlate.images import sniff
from imgxlate.images.formats import FILM_SUFFIXES, IMAGE_SUFFIXES, UNREAD_SUFFIXES
from imgxlate.paths import is_file

LeftOut = tuple[Path, str]
"""A file or folder, and why it is left out."""

FORMAT, NO_SUFFIX, HIDDEN, NO_FILE = "a format that is not read", "no suffix", "hidden", "a link to nothing, or no file"
RESULT = "a result of imgxlate"

_LISTED = 3  # names for each reason


def why_left_out(path: Path) -> str | None:
    """Why a file that has no image suffix is not read although it looks like an image; None: it does not."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return None
    if suffix in UNREAD_SUFFIXES or suffix in FILM_SUFFIXES:
        return FORMAT
    return NO_SUFFIX if not suffix and sniff.is_image(_head(path)) else None


def holds_images(folder: Path) -> bool:
    """Whether a folder directly holds a file with an image suffix."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return any(Path(entry.name).suffix.lower() in IMAGE_SUFFIXES for entry in entries)
    return False


def note(left_out: Sequence[LeftOut]) -> str:
    """One line about files that are left out: how many, some names, and why."""
    reasons: dict[str, list[str]] = {}
    for path, reason in sorted(left_out):
        reasons.setdefault(reason, []).append(path.name)
    parts = [f"{_listed(names)} ({reason})" for reason, names in reasons.items()]
    files = "1 file" if len(left_out) == 1 else f"{len(left_out)} files"
    return f"{files} that look{'s like an image' if len(left_out) == 1 else ' like images'}: {'; '.join(parts)}"


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _head(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        if is_file(path):  # Reading a pipe might wait for ever.
            with path.open("rb") as file:
                return file.read(sniff.HEAD)
    return b""
