"""Finding the input images of a command. Imports no torch."""

import glob
import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import ImageError, UsageError, disk_hint
from imgxlate.images import names
from imgxlate.images.formats import ARRAY_SUFFIXES, IMAGE_SUFFIXES, OUTPUT_FORMATS
from imgxlate.images.left_out import HIDDEN, NO_FILE, LeftOut, holds_images, note, why_left_out
from imgxlate.paths import is_folder, resolved

STDIO = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """One image to read."""

    path: Path | None  # None: standard input
    folder: Path = Path()  # its folder below the folder that was given; outputs mirror it

    @property
    def name(self) -> str:
        """The name in messages and in `--json`."""
        return STDIO if self.path is None else str(self.path)

    @property
    def stem(self) -> str:
        """The file's name without its suffix."""
        return "stdin" if self.path is None else self.path.stem


def expand(
    inputs: Sequence[str], output: str | None = None, labels: Collection[str] = (), notify: Notify = ignore
) -> list[Source]:
    """The images that INPUT... names: files as given, folders as `walk` finds them in sorted order, `-` for stdin.

    Patterns such as `photos/*.png` are expanded, as a shell does; that of Windows leaves it to the program.

    Results of earlier runs in a folder are left out: the output folder, if it is inside, and files that are named like
    an output of another image (`<stem>.<label>[.<nn>].png`). The image may be beside the output, or in the folder that
    the output's folder mirrors. `notify` is told of files in a folder that look like images and are not read.

    Raises:
        UsageError: `-` is given twice.
        ImageError: the only input is a folder without images, or a folder cannot be read. If there are several inputs,
            a folder without images is kept, and fails when its turn comes.
    """
    require_one_stdin(inputs)
    sources: list[Source] = []
    inputs = [match for name in inputs for match in _matches(name)]
    for name in inputs:
        if name == STDIO:
            sources.append(Source(None))
        elif is_folder(name):
            left_out: list[LeftOut] = []
            found = _images_in(Path(name), output, labels, left_out)
            if not found and len(inputs) == 1:
                _raise_no_image(Path(name), left_out)
            if left_out:
                notify(left_out_note(name, left_out))
            sources.extend(found or [Source(Path(name))])
        else:
            sources.append(Source(Path(name)))
    return sources


def require_one_stdin(names: Sequence[str]) -> None:
    """Check that at most one of all images that a command reads comes from standard input.

    Raises:
        UsageError: `-` is given twice.
    """
    if list(names).count(STDIO) > 1:
        raise UsageError("standard input (-) can be read only once", hint="Give a file for each other image.")


def _matches(name: str) -> Sequence[str]:
    """The files and folders that a pattern matches, in sorted order; or the name itself."""
    if not glob.has_magic(name) or os.path.lexists(name):
        return [name]
    return sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207


def left_out_note(folder: Path | str, left_out: Sequence[LeftOut]) -> str:
    """A line that tells the user which files of a folder look like images and are not read."""
    return f"{folder}: left out {note(left_out)}"


def walk(
    folder: Path, left_out: list[LeftOut] | None = None, suffixes: Collection[str] = IMAGE_SUFFIXES
) -> Iterator[Path]:
    """The image files in a folder and its subfolders, in no particular order: those with one of `suffixes`.

    Hidden files and folders are left out. Links are followed, and each folder is read once, so that links in a circle
    do no harm. What looks like an image and is left out is added to the list `left_out`.

    Raises:
        ImageError: a folder cannot be read.
    """
    read = {_identity(folder)}
    for parent, folders, files in os.walk(folder, followlinks=True, onerror=raise_unreadable):
        if left_out is not None:
            hidden = (Path(parent, name) for name in folders if name.startswith("."))
            left_out += [(path, HIDDEN) for path in hidden if holds_images(path)]
        folders[:] = [name for name in sorted(folders) if _is_unread(Path(parent, name), read)]
        for name in files:
            path = Path(parent, name)
            reason = _why_not(path, suffixes, explain=left_out is not None)
            if reason is None:
                yield path
            elif reason and left_out is not None:
                left_out.append((path, reason))


def _why_not(path: Path, suffixes: Collection[str], *, explain: bool) -> str | None:
    """Why a file is not read, or None if it is. Empty: it is no image, or the reason matters to nobody."""
    if path.suffix.lower() not in suffixes:
        return (why_left_out(path) or "") if explain else ""
    if path.name.startswith("._"):  # macOS writes "._a.png" beside "a.png", with no image in it.
        return ""
    if path.name.startswith("."):
        return HIDDEN
    return None if _is_file(path) else NO_FILE


def images_or_arrays(folder: Path, left_out: list[LeftOut] | None = None) -> list[Path]:
    """The image files in a folder as `walk` finds them, sorted; if there are none, its arrays of numpy.

    Raises:
        ImageError: a folder cannot be read.
    """
    images = sorted(walk(folder, left_out))
    arrays = [] if images else sorted(walk(folder, suffixes=ARRAY_SUFFIXES))
    if arrays and left_out is not None:
        left_out[:] = [one for one in left_out if one[0] not in arrays]
    return images or arrays


def _images_in(folder: Path, output: str | None, labels: Collection[str], left_out: list[LeftOut]) -> list[Source]:
    """The images in a folder without the results of earlier runs."""
    skipped = _output_inside(folder, output)
    found = images_or_arrays(folder, left_out)
    paths = [path for path in found if skipped is None or skipped not in resolved(path).parents]
    images = without_results([path.relative_to(folder) for path in paths], labels)
    return [Source(folder / image, image.parent) for image in images]


def without_results(images: Sequence[Path], labels: Collection[str]) -> list[Path]:
    """The images, by their paths relative to a folder, that are no results of earlier runs, as `expand` says."""
    if not labels:
        return list(images)
    label = rf"(?:{'|'.join(map(re.escape, labels))})(?:-\d+)?"  # `compare` numbers several models of a method.
    originals = {*images, *(image.with_suffix("") for image in images)}
    originals |= {image.with_name(names.signature_of(image.name)) for image in originals if image.name}
    return [image for image in images if not _is_result(image, label, originals)]


def _raise_no_image(folder: Path, left_out: Sequence[LeftOut]) -> NoReturn:
    if images_or_arrays(folder):
        raise ImageError(str(folder), "the folder holds only results of imgxlate", hint="Give the files themselves.")
    hint = f"Looked for {' '.join(sorted(IMAGE_SUFFIXES))}, and for {' '.join(ARRAY_SUFFIXES)}."
    raise ImageError(str(folder), no_image(left_out), hint=hint)


def no_image(left_out: Sequence[LeftOut]) -> str:
    """The message about a folder in which no image is read."""
    return "the folder holds no image" + (f" that is read, but {note(left_out)}" if left_out else "")


def _output_inside(folder: Path, output: str | None) -> Path | None:
    """The output folder, if it is inside `folder`."""
    if output in (None, STDIO):
        return None
    place = resolved(str(output))
    return place if resolved(folder) in place.parents else None


def _is_result(image: Path, label: str, originals: Collection[Path]) -> bool:
    """Whether an image is named like a result of an earlier run.

    `label` is a pattern, and `originals` are the images that may have been translated, with and without their suffixes.
    All paths are relative to the input folder.
    """
    if image.suffix.lower() not in (*OUTPUT_FORMATS, *ARRAY_SUFFIXES):
        return False
    if re.fullmatch(rf"{label}\.styles", image.stem):  # a sheet of `sample-styles`
        return True
    if re.fullmatch(rf".+\.{label}\.steps", image.parent.name):  # an image of `neural-style --save-every`
        return True
    output = re.fullmatch(rf"(.+)\.{label}(?:\.\d{{2,}})?", image.stem)
    if output is None:
        return False
    name = names.signature(output[1]) or output[1]
    return any(place / name in originals for place in _mirrored(image.parent))


def _mirrored(folder: Path) -> Iterator[Path]:
    """The folders that a folder of outputs may mirror: `a/b/c`, `b/c`, `c` and the input folder itself."""
    return (Path(*folder.parts[skipped:]) for skipped in range(len(folder.parts) + 1))


def _is_unread(folder: Path, read: set[tuple[int, int]]) -> bool:
    """Whether a folder is to be read; if so, note that it is."""
    if folder.name.startswith("."):
        return False
    identity = _identity(folder)
    if identity in read:
        return False
    read.add(identity)
    return True


def _identity(folder: Path) -> tuple[int, int]:
    """Device and inode: the same for all paths that lead to a folder."""
    try:
        status = folder.stat()
    except OSError as error:
        raise_unreadable(error)
    return status.st_dev, status.st_ino


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:  # The folder can be listed and not entered.
        raise_unreadable(error)
    except OSError:  # A link to nothing, or to itself.
        return False


def raise_unreadable(error: OSError) -> NoReturn:
    """Raise the error of a file or folder that the system does not let us read.

    Raises:
        ImageError: always.
    """
    raise ImageError(error.filename, f"cannot be read: {error.strerror}", hint=disk_hint(error)) from error
