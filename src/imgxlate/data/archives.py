"""Unpacking images from archives of strangers: no path leads outside, and bombs are refused."""

import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from imgxlate.errors import ImageError
from imgxlate.images.decode import decode
from imgxlate.images.encode import encode
from imgxlate.images.formats import IMAGE_SUFFIXES
from imgxlate.images.image_array import ImageArray

MAX_FILES = 500_000
MAX_GROWTH = 10
"""Images are compressed already, so an archive that unpacks to more than this times its size is a bomb."""

_FREE_BYTES = 1 << 20  # that even a tiny archive may unpack to


class ArchiveError(Exception):
    """The reason why an archive cannot be unpacked."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int  # unpacked, in bytes
    is_file: bool  # and not a folder, a link or a device
    open: Callable[[], IO[bytes]]


def unpack_images(archive: Path, folders: Mapping[str, str], target: Path) -> None:
    """Copy the images below some folders of a zip or tar.gz archive to `target`. The rest of the archive is left out.

    `folders` says which folder of the archive becomes which subfolder of `target`: {"trainA": "horse2zebra/trainA"}.
    After an error, `target` holds a part of the images.

    Raises:
        ArchiveError: it is no intact archive, names a path outside, or unpacks to too many or too large files.
        OSError: the disk fails.
    """
    try:
        for member, path in _chosen(archive, folders):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, (target / path).open("xb") as file:
                shutil.copyfileobj(source, file)
    except FileExistsError as error:
        raise ArchiveError(f"it holds {Path(error.filename).name} twice") from error
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise ArchiveError(f"it is damaged, or neither a zip nor a tar.gz archive: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # An unknown compression, or a password.
        raise ArchiveError(f"it cannot be unpacked: {error}") from error


def cut_pairs(folder: Path, left: Path, right: Path) -> None:
    """Cut each image of `folder` into its left and right half, and remove the folder. The halves are PNG files.

    Raises:
        ArchiveError: an image cannot be read.
        OSError: the disk fails.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    for half in (left, right):
        for parent in {(half / file.relative_to(folder)).parent for file in files}:
            parent.mkdir(parents=True, exist_ok=True)

    def cut(file: Path) -> None:
        rgb = decode(file).on_white().rgb
        width = rgb.shape[1] // 2
        name = file.relative_to(folder).with_suffix(".png")
        (left / name).write_bytes(encode(ImageArray(rgb[:, :width]), ".png"))
        (right / name).write_bytes(encode(ImageArray(rgb[:, width:]), ".png"))

    executor = ThreadPoolExecutor(os.cpu_count(), "cut")
    try:
        for _ in executor.map(cut, files):
            pass
    except ImageError as error:
        raise ArchiveError(f"it holds an image that cannot be read, {error.path}: {error.reason}") from error
    finally:
        executor.shutdown(cancel_futures=True)
    shutil.rmtree(folder)


def _chosen(archive: Path, folders: Mapping[str, str]) -> Iterator[tuple[_Member, PurePosixPath]]:
    """The images below the folders, and their paths in the target.

    Raises:
        ArchiveError: the members are too many or too large, or a path is unsafe.
    """
    limit = max(MAX_GROWTH * archive.stat().st_size, _FREE_BYTES)
    unpacked = 0
    for count, member in enumerate(_members(archive), start=1):
        unpacked += member.size
        if count > MAX_FILES or unpacked > limit:
            raise ArchiveError(f"it would unpack to more than {MAX_FILES:,} files or {limit:,} bytes")
        if member.is_file and (path := _path(member.name, folders)):
            yield member, path


def _members(archive: Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                is_file = not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
                yield _Member(info.filename, info.file_size, is_file, partial(opened.open, info))
    else:
        with tarfile.open(archive, "r:gz") as tar:
            for entry in tar:
                yield _Member(entry.name, entry.size, entry.isreg(), partial(_extract, tar, entry))


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    return cast(IO[bytes], tar.extractfile(entry))  # It is None only for what is no file.


def _path(name: str, folders: Mapping[str, str]) -> PurePosixPath | None:
    """The path in the target of the file `name` in the archive. None: it is no image below one of the folders."""
    path = PurePosixPath(name)
    for part, folder in folders.items():
        if path.is_relative_to(folder):
            inside = path.relative_to(folder)
            if ".." in inside.parts or "\\" in name or ":" in name:
                raise ArchiveError(f"it holds the unsafe path {name!r}")
            if inside.suffix.lower() in IMAGE_SUFFIXES and not inside.name.startswith("."):
                return PurePosixPath(part, inside)
    return None
