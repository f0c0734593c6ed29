"""Training images as a function of seed, step and position in the global batch. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgxlate.data.config import DataConfig
from imgxlate.data.crops import is_flat, random_crop, sufficient_side
from imgxlate.data.folders import Folders
from imgxlate.data.sampler import Sampler, image_generator
from imgxlate.errors import ImageError
from imgxlate.images.decode import decode
from imgxlate.images.limits import Limits
from imgxlate.images.value_files import read_values
from imgxlate.images.values import image_of_values

_CROPS = 10  # tries with one image before another image is drawn
_IMAGES = 256  # tries for one position of a batch before giving up


@dataclass(frozen=True, slots=True)
class Rejected:
    """An image file that cannot be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class DrawnImages:
    """Images of one domain, the files that they come from, and unusable files that were drawn."""

    pixels: np.ndarray  # (B, H, W, 3) uint8; or (B, H, W, C) float32 in [-1, 1], of images that are not in color
    files: tuple[Path, ...]
    rejected: tuple[Rejected, ...]


class UnpairedDataset:
    """The images of both domains at some positions of every batch."""

    def __init__(self, folders: Folders, config: DataConfig, seed: int, positions: range, batch_size: int) -> None:
        self._a = DomainDataset(0, folders.a.folder, folders.train_a, config, seed)
        self._b = DomainDataset(1, folders.b.folder, folders.train_b, config, seed)
        self._positions = positions
        self._batch_size = batch_size  # of the global batch

    def __call__(self, step: int) -> tuple[DrawnImages, DrawnImages]:
        """The images of `step`.

        Raises:
            ImageError: a folder has no usable image.
        """
        a, b = (domain.draw(step, self._positions, self._batch_size) for domain in (self._a, self._b))
        return a, b


class DomainDataset:
    """The images of one domain."""

    def __init__(self, domain: int, folder: Path, files: Sequence[Path], config: DataConfig, seed: int) -> None:
        self._domain = domain  # 0 or 1
        self._folder = folder
        self._files = files
        self._config = config
        self._seed = seed
        self._order = Sampler(len(files), seed, domain)
        self._pixels = config.format("B" if domain else "A")

    def draw(self, step: int, positions: range, batch_size: int) -> DrawnImages:
        """The images at `positions` of the global batch of `step`, which has `batch_size` images.

        Images with transparency are laid on white, as in translation.

        Raises:
            ImageError: the folder has no usable image, or hardly any.
        """
        rejected: list[Rejected] = []
        crops, files = [], []
        for position in positions:
            crop, file = self._draw_one(step, position, self._order[step * batch_size + position], rejected)
            crops.append(crop)
            files.append(file)
        return DrawnImages(np.stack(crops), tuple(files), tuple(rejected))

    def _draw_one(self, step: int, position: int, index: int, rejected: list[Rejected]) -> tuple[np.ndarray, Path]:
        """A crop of the image at `index` and its file. If the image is unusable, another one is drawn."""
        unusable: dict[Path, str] = {}
        for attempt in range(_IMAGES):
            rng = image_generator(self._seed, step, position, self._domain, attempt)
            file = self._files[index if attempt == 0 else int(rng.integers(len(self._files)))]
            if file in unusable:
                continue
            try:
                crop = self._crop(file, rng)
            except ImageError as error:
                unusable[file] = error.reason
                rejected.append(Rejected(file, error.reason))
                if len(unusable) == len(self._files):
                    break
            else:
                if crop is not None:
                    return crop, file
        raise self._nothing_usable(unusable)

    def _crop(self, file: Path, rng: np.random.Generator) -> np.ndarray | None:
        """A random crop that has more than one color, or None if none is found.

        Raises:
            ImageError: the file cannot be read, or the whole image has one color.
        """
        rgb = self._read(file)
        for _ in range(_CROPS):
            crop = random_crop(rgb, self._config, rng)
            if not is_flat(crop):
                return crop
        if is_flat(rgb):
            raise ImageError(file, "the whole image has one color")
        return None

    def _read(self, file: Path) -> np.ndarray:
        if self._pixels.is_color:
            limits = Limits(white=self._config.white or None)
            return decode(file, limits=limits, sufficient_side=sufficient_side(self._config)).on_white().rgb
        image, _ = image_of_values(read_values(file), self._pixels, str(file))
        return image.rgb

    def _nothing_usable(self, unusable: dict[Path, str]) -> ImageError:
        examples = "; ".join(f"{path.name}: {reason}" for path, reason in list(unusable.items())[:3])
        return ImageError(
            self._folder,
            f"no image can be used ({examples or 'every crop has one color'})",
            hint="Give a folder of readable images that have more than one color.",
        )
