"""A quick look for test images that are also trained on, for the start of a run."""

import contextlib
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from imgxlate.callbacks import Notify
from imgxlate.data.folders import Folders
from imgxlate.data.perceptual_hash import near_pairs
from imgxlate.data.survey import Surveyed, examine
from imgxlate.downloads.remote import sha256_of

Item = TypeVar("Item")

SECONDS = 2.0
"""The look ends after this time, with the leaks that it has found. It sees about 1,000 images of 256 x 256 pixels."""


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

    Both are read in a random order, always the same, the tests for at most half of the time.
    """
    start = time.monotonic()
    tested = _images(_until(start + seconds / 2, examine(_shuffled(tests))))
    trained = _images(_until(start + seconds, examine(_shuffled(training if tested else ()))))
    pairs = near_pairs([image.hashes for image in tested], [image.hashes for image in trained])
    return {tested[pair.first].path for pair in pairs}


def _images(results: Iterable[object]) -> list[Surveyed]:
    return [result for result in results if isinstance(result, Surveyed)]


def _until(deadline: float, items: Iterator[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        if time.monotonic() > deadline:
            return


def _shuffled(files: Sequence[Path]) -> list[Path]:
    return random.Random(0).sample(files, len(files))  # noqa: S311 (no secret)


def _command_arguments(folders: Folders) -> str:
    above = {folders.folder_a.parent, folders.folder_b.parent}
    return " ".join(map(str, above if len(above) == 1 else (folders.folder_a, folders.folder_b)))
