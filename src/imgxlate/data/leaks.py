"""A quick look for test images that are also trained on, for the start of a run."""

import contextlib
import itertools
import random
import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from imgxlate.callbacks import Notify
from imgxlate.data import hash_cache
from imgxlate.data.copies import copies
from imgxlate.data.folders import Folders, beside
from imgxlate.data.perceptual_hash import Hashes, near_pairs
from imgxlate.data.survey import Surveyed, examine

Item = TypeVar("Item")

SECONDS = 2.0
"""The look ends after this time, with the leaks that it has found. It reads about 1,000 images of 256 x 256 pixels."""

_SHOWN = 3  # test images that the warning names


def warn(folders: Folders, notify: Notify, seconds: float = SECONDS) -> None:
    """Tell which test images are also trained on, if some are found."""
    tests = [file for part in folders.parts if part.is_test for file in part.files]
    training = [*folders.train_a, *folders.train_b]
    found = near_duplicates(tests, training, seconds) | same_files(tests, training)
    if found:
        shown = [f"{test} resembles {trained}" for test, trained in itertools.islice(found.items(), _SHOWN)]
        more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        notify(
            f"at least {len(found)} of {len(tests)} test images are also trained on, so they flatter the model: "
            f"{', '.join(shown)}{more}{_remedy(folders, found)}"
        )


def same_files(tests: Sequence[Path], training: Sequence[Path]) -> dict[Path, Path]:
    """The files among `tests` that have the same bytes as one of `training`, with that one."""
    tested, trained = {*tests}, {*training}
    found: dict[Path, Path] = {}
    for alike in copies([*tests, *training]) if tests else ():
        twin = next((file for file in alike if file in trained), None)
        found |= {file: twin for file in alike if twin and file in tested}
    return found


def near_duplicates(tests: Sequence[Path], training: Sequence[Path], seconds: float) -> dict[Path, Path]:
    """The files among `tests` that resemble one of `training`, with that one, as far as they are found in that time.

    Hashes that the cache folder holds take no time. The other files are read in a random order, always the same, the
    tests for at most half of the time. The next call continues where this one ends.
    """
    start = time.monotonic()
    tested = _hashes(tests, start + seconds / 2)
    trained = _hashes(training, start + seconds) if tested else {}
    files, others = list(tested), list(trained)
    pairs = near_pairs([*tested.values()], [*trained.values()])
    return {files[pair.first]: others[pair.second] for pair in pairs}


def _remedy(folders: Folders, found: Iterable[Path]) -> str:
    """What to type: a command that keeps such images together, or one that lists all of them, if there is one."""
    leaking = [domain for domain in (folders.a, folders.b) if not {*found}.isdisjoint(domain.test)]
    if any(domain.source == "set aside" for domain in leaking):
        split = f"imgxlate data split {_command_arguments(folders)} --test 10% --out FOLDER"
        return f"; `{split}` sets test images aside so that none of them is trained on"
    if all(domain.test_folder == beside(domain.folder) for domain in leaking):
        return f"; `imgxlate data check {_command_arguments(folders)}` lists them"
    return ""


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
    own = folders.a.folder, folders.b.folder
    above = own[0].parent
    return shlex.join(map(str, [above] if own == (above / "trainA", above / "trainB") else own))
