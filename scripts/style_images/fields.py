"""Scalar fields on the image plane: coordinates, noise, blur, distance, smearing along a flow, relief.

Lengths are fractions of the image's longer side, so that a seed draws the same composition at any size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating[Any]]
Field = Floats  # (H, W)
Mask = NDArray[np.bool_]
Random = np.random.Generator


def plane(size: int, aspect: float) -> tuple[Field, Field]:
    """Coordinates x in [0, 1) and y in [0, aspect) of the pixels' centers, each (H, W), W = size."""
    height = round(size * aspect)
    y, x = np.mgrid[0:height, 0:size].astype(np.float32)
    return (x + 0.5) / size, (y + 0.5) / size


def noise(shape: tuple[int, int], cell: tuple[float, float], random: Random) -> Field:
    """Smooth noise in [0, 1] whose grain is `cell` = (width, height) long, interpolated bicubically."""
    height, width = shape
    longer = max(shape)
    columns = max(2, round(width / longer / cell[0]) + 1)
    rows = max(2, round(height / longer / cell[1]) + 1)
    grid = Image.fromarray(random.random((rows, columns), dtype=np.float32))
    return np.clip(np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC)), 0, 1)


def clouds(shape: tuple[int, int], cell: float, random: Random, octaves: int = 4) -> Field:
    """Fractal noise, mean 0 and standard deviation 1: each octave has half the grain and half the weight."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        total += noise(shape, (cell / 2**octave, cell / 2**octave), random) / 2**octave
    return standardize(total)


def standardize(field: Field) -> Field:
    """The field with mean 0 and standard deviation 1."""
    return (field - field.mean()) / (field.std() + 1e-6)


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur of `sigma` pixels, by three box filters along each axis, edges repeated."""
    radius = round(sigma)
    if radius < 1:
        return field
    for _ in range(3):
        field = _box(_box(field, radius).T, radius).T
    return np.ascontiguousarray(field)


def _box(field: Field, radius: int) -> Field:
    padded = np.pad(field, ((radius + 1, radius), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=0, dtype=np.float64)
    return ((sums[2 * radius + 1 :] - sums[: -2 * radius - 1]) / (2 * radius + 1)).astype(np.float32)


def distance(mask: Mask, reach: int) -> Field:
    """Euclidean distance in pixels to the nearest pixel of `mask`, exact up to `reach` and cut there."""
    squared = np.where(mask, 0, np.float32((reach + 1) ** 2))
    for axis in (0, 1):
        squared = _lower_envelope(squared, reach, axis)
    return np.minimum(np.sqrt(squared), reach)


def _lower_envelope(squared: Field, reach: int, axis: int) -> Field:
    best = squared.copy()
    source = np.moveaxis(squared, axis, 0)
    target = np.moveaxis(best, axis, 0)
    for step in range(1, reach + 1):
        np.minimum(target[step:], source[:-step] + step * step, out=target[step:])
        np.minimum(target[:-step], source[step:] + step * step, out=target[:-step])
    return best


def borders(labels: NDArray[np.int_]) -> Mask:
    """The pixels whose right or lower neighbor carries another label."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def smear(field: Field, angle: Field, length: float, steps: int = 24) -> Field:
    """Line integral convolution: the mean of `field` along the flow, `length` to each side."""
    height, width = field.shape
    step = length * max(field.shape) / steps
    total = field.copy()
    for sign in (1, -1):
        row, column = np.mgrid[0:height, 0:width].astype(np.float32)
        for _ in range(steps):
            here = angle[_index(row, height), _index(column, width)]
            column += sign * step * np.cos(here)
            row += sign * step * np.sin(here)
            total += field[_index(row, height), _index(column, width)]
    return standardize(total)


def _index(coordinate: Field, length: int) -> NDArray[np.intp]:
    return np.clip(coordinate, 0, length - 1).astype(np.intp)


def at(field: NDArray[Any], points: Floats) -> NDArray[Any]:
    """Values of a field (H, W, ...) at points (..., 2) given as x, y; beyond the edge, the edge's value."""
    height, width = field.shape[:2]
    longer = max(height, width)
    return field[_index(points[..., 1] * longer, height), _index(points[..., 0] * longer, width)]


def relief(height: Field, depth: float) -> Field:
    """Light from the upper left on a surface: about 1 where it is flat, more on slopes that face the light."""
    dy, dx = np.gradient(height)
    facing = (-dx * 0.6 - dy * 0.8) * depth
    return 1 + facing / np.sqrt(1 + facing * facing)
