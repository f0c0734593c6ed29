"""Perceptual hashes: 256 bits of an image that hardly change when it is re-encoded, resized, brightened or mirrored.

The hash is the pHash of Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, with 16 x 16
instead of 8 x 8 frequencies. It equals `phash(image, hash_size=16)` of the package ImageHash, which needs SciPy and
PyWavelets, 150 MB, for the cosine transform below.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

NEAR = 50
"""Two images with at most this many different bits of 256 are near-duplicates. `docs/data.md` has the measurement."""

SUFFICIENT_SIDE = 128
"""The shorter side, in pixels, that an image needs for its hash."""

_FREQUENCIES, _SAMPLES = 16, 64
_BITS = _FREQUENCIES**2
_COSINES = np.cos(np.pi / _SAMPLES * (np.arange(_SAMPLES) + 0.5) * np.arange(_FREQUENCIES)[:, None])
_MARGIN = 0.04  # of the inner part, as a fraction of each side
_MIRROR = np.tile(np.where(np.arange(_FREQUENCIES) % 2, -1, 1), _FREQUENCIES).astype(np.float32)
"""A mirrored image has the same even frequencies across, and the odd ones with the other sign."""
_ROWS = 512  # images that are compared with all others at a time


@dataclass(frozen=True, slots=True, eq=False)
class Hashes:
    """The hash of a whole image and that of its inner part, (256,) booleans. The inner part finds cropped copies."""

    whole: np.ndarray
    inner: np.ndarray


@dataclass(frozen=True, slots=True)
class Pair:
    """Two near-duplicates, by their indices in a list of images."""

    first: int
    second: int
    mirrored: bool

    @property
    def ordered(self) -> "Pair":
        """The pair with the smaller index first."""
        return self if self.first < self.second else Pair(self.second, self.first, self.mirrored)


def hashes(rgb: np.ndarray) -> Hashes:
    """The hashes of an image (H, W, 3) uint8."""
    height, width, _ = rgb.shape
    gray = Image.fromarray(rgb).convert("L")
    x, y = _MARGIN * width, _MARGIN * height
    return Hashes(_hash(gray, (0, 0, width, height)), _hash(gray, (x, y, width - x, height - y)))


def near_pairs(images: Sequence[Hashes], others: Sequence[Hashes] | None = None) -> Iterator[Pair]:
    """The pairs of near-duplicates between `images` and `others`; or among `images`, with `first` below `second`.

    A pair comes several times if the inner part of one image is near the other image, too.
    """
    whole, inner = _signs([image.whole for image in images]), _signs([image.inner for image in images])
    if others is None:
        yield from (pair for pair in _compare(whole, whole) if pair.first < pair.second)
        yield from (pair.ordered for pair in _compare(inner, whole) if pair.first != pair.second)
        return
    other, other_inner = _signs([image.whole for image in others]), _signs([image.inner for image in others])
    for rows, columns in ((whole, other), (inner, other), (whole, other_inner)):
        yield from _compare(rows, columns)


def _compare(hashes: np.ndarray, others: np.ndarray) -> Iterator[Pair]:
    """The rows of `hashes` and of `others`, both (N, 256) of -1 and 1, that are near, mirrored or not."""
    for start in range(0, len(hashes), _ROWS):
        for mirrored in (False, True):
            products = hashes[start : start + _ROWS] @ (others * _MIRROR if mirrored else others).T
            for row, column in np.argwhere(products >= _BITS - 2 * NEAR).tolist():
                yield Pair(start + row, column, mirrored)


def _hash(gray: Image.Image, box: tuple[float, float, float, float]) -> np.ndarray:
    """(256,) booleans: which of the lowest frequencies within `box` are above their median."""
    samples = np.asarray(gray.resize((_SAMPLES, _SAMPLES), Image.Resampling.LANCZOS, box=box), dtype=np.float64)
    frequencies = _COSINES @ samples @ _COSINES.T
    above: np.ndarray = frequencies > np.median(frequencies)
    return above.ravel()


def _signs(hashes: Sequence[np.ndarray]) -> np.ndarray:
    """(N, 256) of -1 and 1. The product of two rows is 256 minus twice the number of different bits."""
    bits = np.stack(hashes) if hashes else np.empty((0, _BITS), dtype=bool)
    return np.where(bits, 1, -1).astype(np.float32)
