"""Finding the image files for training, and the test images for samples and evaluations. Imports no torch."""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import UsageError
from imgxlate.images.formats import ARRAY_SUFFIXES, IMAGE_SUFFIXES
from imgxlate.images.inputs import images_or_arrays, left_out_note, no_image, raise_unreadable, without_results
from imgxlate.images.left_out import RESULT, LeftOut
from imgxlate.images.missing import explain

_TRAIN = ("trainA", "trainB")
_TEST = {"trainA": "testA", "trainB": "testB"}

Source = Literal["folder", "set aside", "training"]
"""The source of test images: a folder of their own; training images that are set aside; or all training images."""


@dataclass(frozen=True, slots=True)
class DomainImages:
    """The image files of a domain, each list in an order that is the same on every machine."""

    folder: Path  # of the training images
    train: tuple[Path, ...]
    test: tuple[Path, ...]
    test_folder: Path  # the one that holds the test images
    source: Source  # of the test images


@dataclass(frozen=True, slots=True)
class Folders:
    """The image files of both domains."""

    names: tuple[str, str]  # of the domains
    a: DomainImages
    b: DomainImages
    digest: str  # of the names and lengths of the images in the training folders, 64 hexadecimal digits

    @property
    def train_a(self) -> tuple[Path, ...]:
        """The training images of A."""
        return self.a.train

    @property
    def train_b(self) -> tuple[Path, ...]:
        """The training images of B."""
        return self.b.train

    @property
    def test_a(self) -> tuple[Path, ...]:
        """The test images of A."""
        return self.a.test

    @property
    def test_b(self) -> tuple[Path, ...]:
        """The test images of B."""
        return self.b.test

    @property
    def set_aside(self) -> int:
        """The number of images of the training folders that are test images."""
        return sum(len(domain.test) for domain in (self.a, self.b) if domain.source == "set aside")

    @property
    def parts(self) -> tuple["Part", ...]:
        """The training images, and the test images that are not trained on, if there are any."""
        domains = {"A": self.a, "B": self.b}
        training = (Part(f"train{name}", domain.folder, domain.train) for name, domain in domains.items())
        tests = (
            Part(f"test{name}", domain.test_folder, domain.test)
            for name, domain in domains.items()
            if domain.source != "training"
        )
        return *training, *tests


@dataclass(frozen=True, slots=True)
class Part:
    """The images of one domain for training or for testing."""

    name: str  # trainA, trainB, testA or testB
    folder: Path
    files: tuple[Path, ...]

    @property
    def domain(self) -> str:
        """A or B."""
        return self.name[-1]

    @property
    def is_test(self) -> bool:
        """Whether the images are for testing."""
        return self.name.startswith("test")


def find(
    data_a: Path,
    data_b: Path | None,
    names: tuple[str, str] = ("", ""),
    tests: tuple[str, str] = ("", ""),
    notify: Notify = ignore,
    labels: Collection[str] = (),
) -> Folders:
    """The images of two folders, or of one folder that holds trainA and trainB. `images_or_arrays` searches them.

    `tests` are the folders of the test images. Where one is empty, the test images of folders called trainA and trainB
    are in testA and testB beside them. A domain whose name is empty has the name of its folder, or A and B if that is
    trainA and trainB, or if both folders have the same name. `notify` is told of files that look like images and are
    not read. Among these are results of translations, which `labels` mark in their names, beside their inputs.

    Raises:
        UsageError: a folder does not exist, is a file, or holds no image; or the names are the same.
        ImageError: a folder cannot be read.
    """
    try:
        folder_a, folder_b = (data_a, data_b) if data_b is not None else _training_folders(data_a)
        a, sizes_a = _domain(folder_a, tests[0], notify, labels)
        b, sizes_b = _domain(folder_b, tests[1], notify, labels)
    except OSError as error:
        raise_unreadable(error)
    return Folders(_names(names, folder_a, folder_b), a, b, _digest(sizes_a, sizes_b))


def beside(folder: Path) -> Path | None:
    """The folder of the test images that belong to a folder called trainA or trainB; None for other names."""
    return folder.with_name(_TEST[folder.name]) if folder.name in _TEST else None


def _training_folders(data: Path) -> tuple[Path, Path]:
    """The folders trainA and trainB in `data`."""
    _require_folder(data)
    folder_a, folder_b = (data / name for name in _TRAIN)
    if folder_a.is_dir() and folder_b.is_dir():
        return folder_a, folder_b
    found = sorted(entry.name for entry in data.iterdir() if entry.is_dir())
    holds = f"the folders {', '.join(found[:8])}{', ...' if len(found) > 8 else ''}" if found else "no folders"
    raise UsageError(
        f"{data} does not hold both trainA and trainB: it holds {holds}",
        hint=_nearest_folders(data, found),
    )


def _nearest_folders(data: Path, found: Sequence[str]) -> str:
    """What to give in place of `data`, which holds the folders `found`: archives often unpack into one more folder."""
    for name in found:
        if all((data / name / part).is_dir() for part in _TRAIN):
            return f"Give {data / name}, which holds both."
    if len(found) == len(_TRAIN):
        return f"Give both folders: {data / found[0]} {data / found[1]}."
    return "Give two folders, one for each domain, or one folder that holds trainA and trainB."


def _domain(folder: Path, given: str, notify: Notify, labels: Collection[str]) -> tuple[DomainImages, dict[str, int]]:
    """The images of a domain, and the lengths of the training images in bytes by their names relative to `folder`.

    `given` is the folder of the test images, or empty.
    """
    train, sizes = _images(folder, notify, labels)
    test_folder, test = _test_images(folder, given, notify, labels)
    if test:
        return DomainImages(folder, train, test, test_folder, "folder"), sizes
    return DomainImages(folder, train, train, folder, "training"), sizes


def _images(folder: Path, notify: Notify, labels: Collection[str]) -> tuple[tuple[Path, ...], dict[str, int]]:
    """The images in a folder, and their lengths in bytes by their names relative to it."""
    _require_folder(folder)
    left_out: list[LeftOut] = []
    sizes = _sizes(folder, left_out, labels)
    if not sizes:
        suffixes = " ".join((*sorted(IMAGE_SUFFIXES), *ARRAY_SUFFIXES))
        raise UsageError(f"{folder}: {no_image(left_out)}", hint=f"Looked for {suffixes}, also in subfolders.")
    if left_out:
        notify(left_out_note(folder, left_out))
    return tuple(folder / name for name in sizes), sizes


def _test_images(folder: Path, given: str, notify: Notify, labels: Collection[str]) -> tuple[Path, tuple[Path, ...]]:
    """The folder `given`, or if that is empty, the one beside `folder`; and the test images in it, if there are any."""
    if given:
        return Path(given), _images(Path(given), notify, labels)[0]
    tests = beside(folder)
    if tests is None or not tests.is_dir():
        return folder, ()
    left_out: list[LeftOut] = []
    sizes = _sizes(tests, left_out, labels)
    if left_out:
        notify(left_out_note(tests, left_out))
    return tests, tuple(tests / name for name in sizes)


def _require_folder(folder: Path) -> None:
    if not os.path.lexists(folder):
        reason, hint = explain(str(folder))
        raise UsageError(f"{folder}: {reason.replace('file', 'folder')}", hint=hint)
    if not folder.is_dir():
        raise UsageError(f"{folder}: not a folder", hint="Training takes folders of images.")


def _sizes(folder: Path, left_out: list[LeftOut], labels: Collection[str]) -> dict[str, int]:
    """The lengths in bytes of the images in a folder, by their names relative to it, sorted."""
    found = sorted(path.relative_to(folder) for path in images_or_arrays(folder, left_out))
    images = without_results(found, labels)
    left_out += [(path, RESULT) for path in sorted(set(found).difference(images))]
    return dict(sorted((path.as_posix(), (folder / path).stat().st_size) for path in images))


def _names(given: tuple[str, str], folder_a: Path, folder_b: Path) -> tuple[str, str]:
    name_a, name_b = given[0] or _name(folder_a, "A"), given[1] or _name(folder_b, "B")
    for name, letter in ((name_a, "b"), (name_b, "a")):
        if name.lower() == letter:
            raise UsageError(
                f"{name!r} cannot name this domain: `--to {name}` means the other one",
                hint="Type `--domains NAME,NAME`.",
            )
    if name_a.lower() != name_b.lower():  # They are told apart without regard to case.
        return name_a, name_b
    if not any(given):
        return "A", "B"
    raise UsageError(f"both domains would be called {name_a!r}", hint="Type `--set data.domain_b=NAME`.")


def _name(folder: Path, letter: str) -> str:
    name = folder.name if folder.name not in ("", "..") else folder.resolve().name
    return letter if name in ("", *_TRAIN) or name.lower() in ("a", "b") else name


def _digest(*domains: dict[str, int]) -> str:
    sha256 = hashlib.sha256()
    for sizes in domains:
        sha256.update(f"{len(sizes)}\n".encode())
        for name, size in sizes.items():
            sha256.update(os.fsencode(name) + b"\0%d\n" % size)
    return sha256.hexdigest()
