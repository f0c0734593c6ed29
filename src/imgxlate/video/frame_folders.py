"""Films as folders of numbered images, one for each frame."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgxlate import atomic
from imgxlate.errors import ImageError
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.formats import IMAGE_SUFFIXES
from imgxlate.images.image_array import ImageArray
from imgxlate.images.inputs import without_results
from imgxlate.images.limits import DEFAULT, SIXTEEN_BITS, TWELVE_BITS, Limits, white_note
from imgxlate.video.frames import FilmInfo, Frame
from imgxlate.video.segments import Segment

_DIGITS = 6
_SAMPLED = 16  # frames that say what white is in all frames of 16 bits


class FolderFilm:
    """A folder of frames, in the order of the numbers in their names."""

    def __init__(self, folder: Path, rate: Fraction, limits: Limits = DEFAULT, labels: Collection[str] = ()) -> None:
        """Find the frames. `labels` are those in the names of results, which are left out.

        Raises:
            ImageError: the folder holds no numbered images, or one that says what white is cannot be read.
        """
        self.files, self.results = numbered_images(folder, labels)
        first = decode(self.files[0], limits=limits, depth=16)
        bits = 16 if first.rgb.dtype == np.uint16 else 8
        self.white = limits.white or _find_white(self.files, limits)
        self._limits = replace(limits, white=self.white)
        count = len(self.files)
        self.info = FilmInfo(first.size, rate, 1 / rate, count, count / rate, bits=bits)

    def frames(self) -> Iterator[Frame]:
        """All frames.

        Raises:
            ImageError: when a frame is decoded: it cannot be read, or has another size than the first one.
        """
        for index, (time, file) in enumerate(zip(self.times(), self.files, strict=True)):
            yield Frame(index, time, 1 / self.info.rate, partial(self._frame, file))

    def times(self) -> list[Fraction]:
        """When frames are shown, in seconds."""
        return [index / self.info.rate for index in range(len(self.files))]

    def _frame(self, file: Path) -> NDArray[np.uint8]:
        image = self._decode(file)
        if image.shape[:2] != self.info.size:
            sizes = " and ".join(f"{width} x {height}" for height, width in (image.shape[:2], self.info.size))
            raise ImageError(file, f"this frame and the first one have other sizes: {sizes} pixels")
        return image

    def _decode(self, file: Path) -> NDArray[np.uint8]:
        image: NDArray[np.uint8] = decode(file, limits=self._limits).on_white().rgb
        return image


def _find_white(files: Sequence[Path], limits: Limits) -> int:
    """The value of white in all frames of 16 bits: that of 12 bits if none of some frames has a larger value.

    The frames are spread evenly over the film, because many films begin or end in black.

    Raises:
        ImageError: a frame cannot be read.
    """
    is_dark = False
    for file in files[:: -(-len(files) // _SAMPLED)]:
        image = decode(file, limits=limits, depth=16)
        if white_note(TWELVE_BITS) in image.notes:
            is_dark = True
        elif image.rgb.any():  # A black frame does not say anything.
            return SIXTEEN_BITS
    return TWELVE_BITS if is_dark else SIXTEEN_BITS


def numbered_images(folder: Path, labels: Collection[str] = ()) -> tuple[list[Path], list[Path]]:
    """The images in a folder with a number in their names, in the order of the numbers. Hidden files are left out.

    The second list is of results of earlier commands in the folder, with `labels` in their names. They are no frames.

    Raises:
        ImageError: there are none, or the folder cannot be read.
    """
    try:
        images = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    except OSError as error:
        raise ImageError(folder, f"cannot be read: {error.strerror or error}") from error
    numbered = [path for path in images if re.search(r"\d", path.stem) and not path.name.startswith(".")]
    if not numbered:
        raise ImageError(
            folder, "the folder holds no numbered images", hint="Frames have names such as 00001.png, 00002.png."
        )
    frames = [folder / name for name in without_results([Path(path.name) for path in numbered], labels)]
    results = set(numbered) - set(frames)
    return sorted(frames, key=_by_number), sorted(results, key=_by_number)


def _by_number(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts `frame2.png` before `frame10.png`, and frames with one number by their names."""
    parts = re.split(r"(\d+)", path.stem)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


@dataclass(frozen=True, slots=True)
class FolderWriter:
    """Writes frames as PNG files 000001.png, 000002.png and so on."""

    suffix: str = ""  # of a segment: a folder

    @contextlib.contextmanager
    def segment(self, path: Path) -> Iterator[Callable[[NDArray[np.uint8], Fraction], None]]:
        """Write the frames that are added within the block. Their folder appears whole, or not at all.

        Raises:
            OutputError: a file cannot be written.
        """
        with atomic.folder_writer(path) as folder:
            count = 0

            def add(image: NDArray[np.uint8], _: Fraction) -> None:
                nonlocal count
                count += 1
                save(ImageArray(image), folder / f"{count:0{_DIGITS}d}.png")

            yield add

    def join(self, segments: Sequence[Segment], output: Path, _: Fraction) -> None:
        """Gather the frames of all segments in the output folder, which appears whole, or not at all.

        Raises:
            OutputError: the output exists and is not an empty folder, or cannot be written.
        """
        with atomic.folder_writer(output) as folder:
            number = 0
            for segment in segments:
                for frame in sorted(segment.path.iterdir()):
                    number += 1
                    _link(frame, folder / f"{number:0{_DIGITS}d}.png")


def _link(file: Path, to: Path) -> None:
    """Give a file a second name, or copy it on a disk where files have one name only."""
    try:
        os.link(file, to)
    except OSError:
        shutil.copyfile(file, to)
