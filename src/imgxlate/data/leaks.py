"""A quick look for test images that are also trained on, for the start of a run."""

import contextlib
import random
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from imgxlate.callbacks import Notify
from imgxlate.data import hash_cache
from imgxlate.data.folders import Folders
from imgxlate.data.perceptual_hash import Hashes, near_pairs
from imgxlate.data.survey import Surveyed, examine
from imgxlate.downloads.remote import sha256_of

Item = TypeVar("Item")

SECONDS = 2.0
"""The look ends after this time, with the leaks that it has found. It reads about 1,000 images of 256 x 256 pixels."""


def warn(folders: Folders, notify: Notify, seconds: float = SECONDS) -> None:
    """Tell how many test images are also trained on, if some are found."""
    tests = [file for part in folders.parts if part.is_test for file in part.files]
    training = [*folders.train_a, *folders.train_b]
    found: set[Path] = set()
    with contextlib.suppress(OSError):  # Training itself tells about files that cannot be read.
        found = same_files(tests, training)
    found |= near_duplicates(tests, training, seconds)
    if found:
        notify(
            f"at least {len(found)} of {len(tests)} test images are also trained on, so they flatter the model: "
            f"`imgxlate data check {_command_arguments(folders)}` lists them"
        )


def same_files(tests: Sequence[Path], training: Sequence[Path]) -> set[Path]:
    """The files among `tests` that have the same bytes as one of `training`. Few files are read: sizes differ."""
    by_size: dict[int, list[Path]] = {}
    for file in training if tests else ():
        by_size.setdefault(file.stat().st_size, []).append(file)
    return {
        test
        for test in tests
        if (alike := by_size.get(test.stat().st_size)) and sha256_of(test) in map(sha256_of, alike)
    }


def near_duplicates(tests: Sequence[Path], training: Sequence[Path], seconds: float) -> set[Path]:
    """The files among `tests` that resemble one of `training`, as far as they are found in that time.

    Hashes that the cache folder holds take no time. The other files are read in a random order, always the same, the
    tests for at most half of the time. The next call continues where this one ends.
    """
    start = time.monotonic()
    tested = _hashes(tests, start + seconds / 2)
    trained = _hashes(training, start + seconds) if tested else {}
    files = list(tested)
    return {files[pair.first] for pair in near_pairs([*tested.values()], [*trained.values()])}


def _hashes(files: Sequence[Path], deadline: float) -> dict[Path, Hashes]:
    """The hashes that are known, and those of the files that can be read until the deadline."""
    known = hash_cache.recall(files)
    unknown = _shuffled([file for file in files if file not in known])
    with contextlib.closing(examine(unknown)) as results:
        new = {image.path: image.hashes for image in _until(deadline, results) if isinstance(image, Surveyed)}
    hash_cache.remember(new.items())
    return known | new


def _until(deadline: float, items: Iterator[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        if time.monotonic() > deadline:
            return


def _shuffled(files: Sequence[Path]) -> list[Path]:
    return random.Random(0).sample(files, len(files))  # noqa: S311 (no secret)


def _command_arguments(folders: Folders) -> str:
    """The folders as the command line takes them: one if it holds trainA and trainB, else both."""
    own = folders.folder_a, folders.folder_b
    above = own[0].parent
    return shlex.join(map(str, [above] if own == (above / "trainA", above / "trainB") else own))
