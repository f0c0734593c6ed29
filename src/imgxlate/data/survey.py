"""Reading every image of a data set once: its size, its mode, its hashes, or why it cannot be used."""

import os
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from imgxlate.callbacks import Progress, ignore
from imgxlate.data import hash_cache
from imgxlate.data.crops import is_flat
from imgxlate.data.dataset import Rejected
from imgxlate.data.folders import Part
from imgxlate.data.perceptual_hash import SUFFICIENT_SIDE, Hashes, hashes, near_pairs
from imgxlate.downloads.remote import sha256_of
from imgxlate.errors import ImageError
from imgxlate.images.decode import decode, read_header
from imgxlate.images.sizes import Size
from imgxlate.images.value_files import in_false_colors, mode_of

_THREADS = 8  # at most; beyond that they wait for each other


@dataclass(frozen=True, slots=True, eq=False)
class Surveyed:
    """An image that can be used for training."""

    path: Path
    size: Size
    mode: str  # Pillow's name, such as "RGB", "L" or "CMYK"; or channels and type, such as "1 x uint16"
    sha256: str  # of the file
    hashes: Hashes


@dataclass(frozen=True, slots=True)
class Group:
    """Images that are copies or near-duplicates of each other, by their indices in a list."""

    members: tuple[int, ...]
    is_exact: bool  # all files have the same bytes
    has_mirrored: bool  # a member is the mirror image of another one


def survey(parts: Sequence[Part], progress: Progress = ignore) -> list[tuple[Part, Surveyed | Rejected]]:
    """Read all images, in several threads. The results are in the order of the files. `progress` counts files.

    The hashes are kept in the cache folder.
    """
    owners = [part for part in parts for _ in part.files]
    results = []
    for owner, result in zip(owners, examine([file for part in parts for file in part.files]), strict=True):
        results.append((owner, result))
        progress(len(results), len(owners))
    hash_cache.remember((image.path, image.hashes) for _, image in usable(results))
    return results


def usable(results: Iterable[tuple[Part, Surveyed | Rejected]]) -> list[tuple[Part, Surveyed]]:
    """The images among the results."""
    return [(part, result) for part, result in results if isinstance(result, Surveyed)]


def examine(files: Sequence[Path]) -> Generator[Surveyed | Rejected, None, None]:
    """Read image files, in several threads. A file is rejected for the reasons for which training skips it."""
    executor = ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1), "survey")
    try:
        yield from executor.map(_examine, files)
    finally:
        executor.shutdown(cancel_futures=True)


def groups(images: Sequence[Surveyed]) -> list[Group]:
    """The images that are not alone: each group holds all near-duplicates of its members."""
    parent = list(range(len(images)))
    mirrored = set()

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for pair in near_pairs([image.hashes for image in images]):
        parent[root(pair.second)] = root(pair.first)
        if pair.mirrored:
            mirrored.add(pair.first)
    members: dict[int, list[int]] = {}
    for index in range(len(images)):
        members.setdefault(root(index), []).append(index)
    return [
        Group(tuple(group), len({images[index].sha256 for index in group}) == 1, not mirrored.isdisjoint(group))
        for group in members.values()
        if len(group) > 1
    ]


def _examine(file: Path) -> Surveyed | Rejected:
    try:
        mode = mode_of(file)
        if mode:
            size, rgb = read_header(file).size, decode(file, sufficient_side=SUFFICIENT_SIDE).on_white().rgb
        else:
            image, mode = in_false_colors(file)
            size, rgb = image.size, image.rgb
        if is_flat(rgb):
            return Rejected(file, "the whole image has one color")
        return Surveyed(file, size, mode, sha256_of(file), hashes(rgb))
    except ImageError as error:
        return Rejected(file, error.reason)
    except OSError as error:
        return Rejected(file, f"cannot be read: {error.strerror or error}")
