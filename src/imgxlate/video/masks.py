"""Masks of a film: which part of each frame changes."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgxlate.errors import ImageError
from imgxlate.images.decode import decode
from imgxlate.images.formats import FILM_SUFFIXES
from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import Limits
from imgxlate.images.masks import blend, require_proportions, weights_of
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import from_tensor, resize, to_tensor
from imgxlate.paths import is_folder
from imgxlate.video.frame_folders import FolderFilm
from imgxlate.video.frames import Film, Frame, Selection
from imgxlate.video.reader import VideoFilm


class FilmMask:
    """A mask for all frames; or a film or a folder of masks, one for each frame of the film."""

    def __init__(self, path: Path, limits: Limits) -> None:
        """Read the mask, or the first one.

        Raises:
            ImageError: it cannot be read.
        """
        self._path = path
        self._frames: Iterator[Frame] | None = None
        self._index = -1
        self._count: int | None = None  # of the masks in a folder
        if is_folder(path):
            folder = FolderFilm(path, Fraction(1), limits)
            self._frames, self._count, self._size = folder.frames(), len(folder.files), folder.info.size
        elif path.suffix.lower() in FILM_SUFFIXES:
            film = VideoFilm(path, limits)
            self._frames, self._size = film.frames(), film.info.size
        else:
            self._mask = decode(path, limits=limits)
            self._size = self._mask.size

    def require_proportions(self, size: Size) -> None:
        """Check that the masks have the proportions of frames of `size`.

        Raises:
            ImageError: they have others.
        """
        require_proportions(self._size, size, str(self._path))

    def require_frames(self, film: Film, selection: Selection) -> None:
        """Check that a folder has a mask for each frame of `film` that is selected.

        Raises:
            ImageError: it has fewer.
        """
        if self._count is not None and self._count <= selection.last_index(film.times()):
            raise self._too_few(self._count)

    def _too_few(self, count: int) -> ImageError:
        return ImageError(
            self._path,
            f"has {count} masks, and the film has more frames",
            hint="Give one mask for each frame of the input, or one image for all of them.",
        )

    def apply(self, frame: Frame, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`after` where the mask of the frame is white, and `before`, at the size of `after`, where it is black.

        Raises:
            ImageError: the frame has no mask, or it has other proportions.
        """
        size = (after.shape[0], after.shape[1])
        weights = weights_of(self._mask_of(frame), size, str(self._path))
        if before.shape != after.shape:
            before = from_tensor(resize(to_tensor(before), size))
        blended: NDArray[np.uint8] = blend(ImageArray(before), ImageArray(after), weights).rgb
        return blended

    def _mask_of(self, frame: Frame) -> ImageArray:
        while self._frames is not None and self._index < frame.index:
            mask = next(self._frames, None)
            if mask is None:
                raise self._too_few(self._index + 1)
            self._index = mask.index
            if mask.index == frame.index:
                self._mask = ImageArray(mask.decode())
        return self._mask
