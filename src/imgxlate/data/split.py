"""A copy of a training set with test images set aside, none of which resembles a training image."""

import hashlib
import math
import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgxlate import atomic
from imgxlate.callbacks import Notify, Progress
from imgxlate.data import folders
from imgxlate.data.dataset import Rejected
from imgxlate.data.folders import Part
from imgxlate.data.survey import Surveyed, groups, survey, usable
from imgxlate.errors import OutputError, UsageError


@dataclass(frozen=True, slots=True)
class DataSplit:
    """A training set that `split_data` wrote."""

    folder: Path  # holds trainA, trainB, testA and testB
    images: Mapping[str, int]  # number of images in each of them
    bad: tuple[Rejected, ...]  # files that were left out


def split(
    data_a: Path,
    data_b: Path | None,
    test: int | float | str,
    out: Path,
    seed: int,
    *,
    link: bool,
    labels: Collection[str],
    progress: Progress,
    notify: Notify,
) -> DataSplit:
    """Do the work of `imgxlate.split_data`. Results whose file names have one of the words `labels` are left out.

    Raises:
        UsageError: a folder does not exist or holds no image, `test` is invalid, or `out` is inside a source.
        ImageError: a folder cannot be read.
        OutputError: `out` exists and is not an empty folder, or cannot be written.
    """
    found = folders.find(data_a, data_b, notify=notify, labels=labels)
    parts = found.parts
    _require_outside(out, parts)
    results = survey(parts, progress)
    images = usable(results)
    counts = Counter(part.domain for part, _ in images)
    bad = [(part.domain, result) for part, result in results if isinstance(result, Rejected)]
    targets = {
        domain: _target(test, counts[domain], domain, [file for owner, file in bad if owner == domain])
        for domain in ("A", "B")
    }
    tests = _choose(images, targets, seed)
    names = _names(images, tests)
    with atomic.folder_writer(out) as folder:
        for name, (_, image) in zip(names, images, strict=True):
            _place(image.path, folder / name, link=link)
    placed = Counter(name.parts[0] for name in names)
    return DataSplit(
        folder=out,
        images={part: placed[part] for part in ("trainA", "trainB", "testA", "testB")},
        bad=tuple(file for _, file in bad),
    )


def _require_outside(out: Path, parts: Iterable[Part]) -> None:
    """Refuse a folder in a source: its images would be found as images of the source.

    Raises:
        UsageError: `out` is such a folder.
    """
    for part in parts:
        if part.folder.resolve() in (out.resolve(), *out.resolve().parents):
            raise UsageError(f"{out} is inside {part.folder}, which is split", hint="Give a folder outside of it.")


def _target(test: int | float | str, count: int, domain: str, bad: Sequence[Rejected]) -> int:
    """The number of test images that `test` means for a domain of `count` images, beside the `bad` files.

    Raises:
        UsageError: it is invalid, or leaves no image for training; names the first bad file, if there is one.
    """
    text = str(test).strip()
    is_percentage = text.endswith("%")
    try:
        number = float(text.removesuffix("%")) / (100 if is_percentage else 1)
    except ValueError:
        number = math.nan
    is_share = 0 < number < 1
    if not (is_share or (number >= 1 and number.is_integer() and not is_percentage)):
        raise UsageError(
            f"test is {text!r}, but must be a number of images or a share", hint="For example 50, 10% or 0.1."
        )
    target = max(1, round(number * count)) if is_share else int(number)
    if target >= count:
        message = f"{target} test images leave none for training: {domain} has {count} usable images"
        hint = "Set fewer test images aside."
        if bad:
            message += f", and {len(bad)} that cannot be used, such as {bad[0].path}: {bad[0].reason}"
            hint = "Set fewer test images aside, or mend the files: `imgxlate data check` lists them."
        raise UsageError(message, hint=hint)
    return target


def _choose(images: Sequence[tuple[Part, Surveyed]], targets: Mapping[str, int], seed: int) -> set[int]:
    """The indices of the test images: at most as many of each domain as `targets` says.

    The choice depends on the bytes of the files and on the seed. Other names or more images hardly change it.
    """
    grouped = [group.members for group in groups([image for _, image in images])]
    alone = {*range(len(images))}.difference(*grouped)
    chosen: set[int] = set()
    counts: Counter[str] = Counter()

    def rank(members: tuple[int, ...]) -> str:
        return min(hashlib.sha256(f"{seed} {images[index][1].sha256}".encode()).hexdigest() for index in members)

    for members in sorted([*grouped, *((index,) for index in alone)], key=rank):
        added = counts + Counter(images[index][0].domain for index in members)
        if all(added[domain] <= target for domain, target in targets.items()):
            chosen.update(members)
            counts = added
    return chosen


def _names(images: Sequence[tuple[Part, Surveyed]], tests: set[int]) -> list[Path]:
    """The path of each image in the new folder. Names that two sources share get the name of the source in front."""
    taken: set[str] = set()
    names = []
    for index, (part, image) in enumerate(images):
        place = f"{'test' if index in tests else 'train'}{part.domain}"
        name = Path(place, image.path.relative_to(part.folder))
        while str(name).lower() in taken:
            name = name.with_name(f"{part.folder.name}-{name.name}")
        taken.add(str(name).lower())
        names.append(name)
    return names


def _place(source: Path, target: Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not link:
        shutil.copyfile(source, target)
        return
    try:
        os.link(source.resolve(), target)
    except OSError as error:
        raise OutputError(
            f"{source}: cannot be linked: {error.strerror or error}", hint="Leave out --link to copy the images."
        ) from error
