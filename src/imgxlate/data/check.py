"""Bad files, small images, duplicates, and test images that are trained on."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from imgxlate.callbacks import Notify, Progress
from imgxlate.data import folders
from imgxlate.data.dataset import Rejected
from imgxlate.data.folders import Part
from imgxlate.data.survey import Group, Surveyed, groups, survey, usable

Range = tuple[int, float, int]
"""Smallest, median and largest."""

_TRAINING = ("trainA", "trainB")


@dataclass(frozen=True, slots=True)
class FolderReport:
    """The images of a folder. Lengths are in pixels."""

    part: str  # trainA, trainB, testA or testB
    path: Path
    files: int  # number of image files
    bad: tuple[Rejected, ...]  # files that training skips
    distinct: int  # number of usable images, each group of duplicates counted once
    widths: Range | None  # None: no image is usable
    heights: Range | None
    small: int  # images whose shorter side is below the crop's
    modes: Mapping[str, int]  # number of images by Pillow's name, such as "RGB" or "L"


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Files that show the same image."""

    files: tuple[Path, ...]
    parts: tuple[str, ...]  # of each file: trainA, trainB, testA or testB
    is_exact: bool  # all files have the same bytes
    has_mirrored: bool  # a file shows the mirror image of another one

    @property
    def in_both_domains(self) -> bool:
        """Whether both domains train on the image."""
        return {*_TRAINING} <= {*self.parts}

    @property
    def trained_tests(self) -> tuple[Path, ...]:
        """The test images among them if one of the files is trained on."""
        if not {*_TRAINING} & {*self.parts}:
            return ()
        return tuple(file for file, part in zip(self.files, self.parts, strict=True) if part not in _TRAINING)


@dataclass(frozen=True, slots=True)
class DataReport:
    """What `check_data` found."""

    folders: tuple[FolderReport, ...]
    duplicates: tuple[Duplicates, ...]
    distinct: int  # number of usable images, each group of duplicates counted once
    crop: int

    @property
    def files(self) -> int:
        """The number of image files."""
        return sum(folder.files for folder in self.folders)

    @property
    def bad(self) -> tuple[Rejected, ...]:
        """The files that cannot be used, with the reason for each."""
        return tuple(file for folder in self.folders for file in folder.bad)

    @property
    def in_both_domains(self) -> int:
        """The number of distinct images that both domains train on."""
        return sum(duplicates.in_both_domains for duplicates in self.duplicates)

    @property
    def trained_tests(self) -> tuple[Path, ...]:
        """The test images that are also trained on, as the same file or as a near-duplicate."""
        return tuple(file for duplicates in self.duplicates for file in duplicates.trained_tests)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON document."""
        return {
            "folders": [_folder_json(folder) for folder in self.folders],
            "files": self.files,
            "distinct": self.distinct,
            "in_both_domains": self.in_both_domains,
            "trained_tests": list(map(str, self.trained_tests)),
            "duplicates": [_duplicates_json(duplicates) for duplicates in self.duplicates],
            "crop": self.crop,
        }


def check(
    data_a: Path, data_b: Path | None, crop: int, labels: Collection[str], progress: Progress, notify: Notify
) -> DataReport:
    """Do the work of `imgxlate.check_data`. Results whose file names have one of the words `labels` are left out.

    Raises:
        UsageError: a folder does not exist or holds no image.
        ImageError: a folder cannot be read.
    """
    found = folders.find(data_a, data_b, notify=notify, labels=labels)
    parts = found.parts
    results = survey(parts, progress)
    images = usable(results)
    duplicates = tuple(_duplicates(group, images) for group in groups([image for _, image in images]))
    return DataReport(
        folders=tuple(
            _report(part, [result for owner, result in results if owner is part], duplicates, crop) for part in parts
        ),
        duplicates=duplicates,
        distinct=_distinct((image for _, image in images), duplicates),
        crop=crop,
    )


def _duplicates(group: Group, images: Sequence[tuple[Part, Surveyed]]) -> Duplicates:
    members = [images[index] for index in group.members]
    return Duplicates(
        files=tuple(image.path for _, image in members),
        parts=tuple(part.name for part, _ in members),
        is_exact=group.is_exact,
        has_mirrored=group.has_mirrored,
    )


def _report(
    part: Part, results: Sequence[Surveyed | Rejected], duplicates: Iterable[Duplicates], crop: int
) -> FolderReport:
    images = [result for result in results if isinstance(result, Surveyed)]
    return FolderReport(
        part=part.name,
        path=part.folder,
        files=len(results),
        bad=tuple(result for result in results if isinstance(result, Rejected)),
        distinct=_distinct(images, duplicates),
        widths=_range([image.size[1] for image in images]),
        heights=_range([image.size[0] for image in images]),
        small=sum(min(image.size) < crop for image in images),
        modes=dict(Counter(image.mode for image in images).most_common()),
    )


def _distinct(images: Iterable[Surveyed], duplicates: Iterable[Duplicates]) -> int:
    """The number of images, each group of duplicates counted once."""
    shown = {file: number for number, group in enumerate(duplicates) for file in group.files}
    return len({shown.get(image.path, image.path) for image in images})


def _range(lengths: Sequence[int]) -> Range | None:
    return (min(lengths), median(lengths), max(lengths)) if lengths else None


def _folder_json(folder: FolderReport) -> dict[str, Any]:
    bad = [{"file": str(file.path), "reason": file.reason} for file in folder.bad]
    return asdict(folder) | {"path": str(folder.path), "bad": bad}


def _duplicates_json(duplicates: Duplicates) -> dict[str, Any]:
    kind = "exact" if duplicates.is_exact else "near"
    return {
        "files": list(map(str, duplicates.files)),
        "parts": duplicates.parts,
        "kind": kind,
        "mirrored": duplicates.has_mirrored,
    }
