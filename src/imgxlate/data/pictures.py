"""Training pictures as a function of seed, step and position in the global batch. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgxlate.data.config import DataConfig
from imgxlate.data.crops import is_flat, random_crop
from imgxlate.data.folders import Folders
from imgxlate.data.sampler import Sampler, picture_generator
from imgxlate.errors import ImageError
from imgxlate.images.decode import decode

_CROPS = 10  # of a picture, before another one is drawn
_PICTURES = 256  # drawn for one place in a batch, before giving up


@dataclass(frozen=True, slots=True)
class Rejected:
    """An image file that was put aside, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Pictures of one domain, (B, H, W, 3) uint8, the files that they come from, and the files that were no use."""

    pixels: np.ndarray
    files: tuple[Path, ...]
    rejected: tuple[Rejected, ...]


class Domain:
    """The pictures of one domain, drawn for any step."""

    def __init__(self, index: int, folder: Path, files: Sequence[Path], config: DataConfig, seed: int) -> None:
        self._index = index
        self._folder = folder
        self._files = files
        self._config = config
        self._seed = seed
        self._order = Sampler(len(files), seed, index)

    def draw(self, step: int, places: range, batch_size: int) -> Drawn:
        """The pictures at `places` of the global batch of `step`, which has `batch_size` of them.

        The colours of transparent pixels count as those of others, as they do when a picture is translated.

        Raises:
            ImageError: the folder has no picture that can be used, or hardly any.
        """
        rejected: list[Rejected] = []
        crops, files = [], []
        for place in places:
            crop, file = self._picture(step, place, self._order[step * batch_size + place], rejected)
            crops.append(crop)
            files.append(file)
        return Drawn(np.stack(crops), tuple(files), tuple(rejected))

    def _picture(self, step: int, place: int, index: int, rejected: list[Rejected]) -> tuple[np.ndarray, Path]:
        """A crop of the picture at `index`, or, where that is no use, of another one; and its file."""
        useless: dict[Path, str] = {}
        for attempt in range(_PICTURES):
            rng = picture_generator(self._seed, step, place, self._index, attempt)
            file = self._files[index if attempt == 0 else int(rng.integers(len(self._files)))]
            if file in useless:
                continue
            try:
                crop = self._crop(file, rng)
            except ImageError as error:
                useless[file] = error.reason
                rejected.append(Rejected(file, error.reason))
                if len(useless) == len(self._files):
                    break
            else:
                if crop is not None:
                    return crop, file
        raise self._nothing_usable(useless)

    def _crop(self, file: Path, rng: np.random.Generator) -> np.ndarray | None:
        """A crop that is not flat, or None where too many were.

        Raises:
            ImageError: the file cannot be read, or the whole picture has one colour.
        """
        rgb = decode(file).rgb
        for _ in range(_CROPS):
            crop = random_crop(rgb, self._config, rng)
            if not is_flat(crop):
                return crop
        if is_flat(rgb):
            raise ImageError(file, "the whole picture has one colour")
        return None

    def _nothing_usable(self, useless: dict[Path, str]) -> ImageError:
        examples = "; ".join(f"{path.name}: {reason}" for path, reason in list(useless.items())[:3])
        return ImageError(
            self._folder,
            f"no picture can be used ({examples or 'all parts that were cut out have one colour'})",
            hint="Give a folder of images that can be read and that show more than one colour.",
        )


@dataclass(frozen=True, slots=True)
class Preparation:
    """What one process prepares: its places in the global batch, of both domains."""

    a: Domain
    b: Domain
    places: range
    batch_size: int  # of the global batch

    def __call__(self, step: int) -> tuple[Drawn, Drawn]:
        """The pictures of `step`.

        Raises:
            ImageError: a folder has no picture that can be used.
        """
        return self.a.draw(step, self.places, self.batch_size), self.b.draw(step, self.places, self.batch_size)


def preparation(folders: Folders, config: DataConfig, seed: int, places: range, batch_size: int) -> Preparation:
    """How the pictures of `folders` at `places` of every batch are prepared."""
    return Preparation(
        Domain(0, folders.folder_a, folders.train_a, config, seed),
        Domain(1, folders.folder_b, folders.train_b, config, seed),
        places,
        batch_size,
    )
