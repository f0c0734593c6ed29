"""Unpacking images from zip archives of strangers: no path leads outside, and bombs are refused."""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from imgxlate.images.formats import IMAGE_SUFFIXES

MAX_FILES = 500_000
MAX_GROWTH = 10
"""Images are compressed already, so an archive that unpacks to more than this times its size is a bomb."""

_FREE_BYTES = 1 << 20  # that even a tiny archive may unpack to


class ArchiveError(Exception):
    """The reason why an archive cannot be unpacked."""


def unpack_images(archive: Path, folders: Mapping[str, str], target: Path) -> None:
    """Copy the images below some folders of a zip archive to `target`. All else in the archive is left out.

    `folders` says which folder of the archive becomes which subfolder of `target`: {"trainA": "horse2zebra/trainA"}.

    Raises:
        ArchiveError: it is no intact zip archive, names a path outside, or unpacks to too many or too large files.
        OSError: the disk fails.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for member, path in _plan(opened, folders, archive.stat().st_size):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as source, (target / path).open("xb") as file:
                    shutil.copyfileobj(source, file)
    except FileExistsError as error:
        raise ArchiveError(f"it holds {Path(error.filename).name} twice") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ArchiveError(f"it is damaged or no zip archive: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # An unknown compression, or a password.
        raise ArchiveError(f"it cannot be unpacked: {error}") from error


def _plan(
    archive: zipfile.ZipFile, folders: Mapping[str, str], size: int
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The images and their paths in the target.

    Raises:
        ArchiveError: they are too many or too large, or a path is unsafe.
    """
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_FILES or unpacked > max(MAX_GROWTH * size, _FREE_BYTES):
        raise ArchiveError(f"it would unpack to {len(members):,} files of {unpacked:,} bytes")
    return [(member, path) for member in members for path in _paths(member, folders)]


def _paths(member: zipfile.ZipInfo, folders: Mapping[str, str]) -> Iterator[PurePosixPath]:
    """The path of an image in the target, if it is below one of the folders."""
    path = PurePosixPath(member.filename)
    for part, folder in folders.items():
        if member.is_dir() or not path.is_relative_to(folder):
            continue
        inside = path.relative_to(folder)
        if ".." in inside.parts or "\\" in member.filename or ":" in member.filename:
            raise ArchiveError(f"it holds the unsafe path {member.filename!r}")
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if inside.suffix.lower() in IMAGE_SUFFIXES and not is_link and not inside.name.startswith("."):
            yield PurePosixPath(part, inside)
