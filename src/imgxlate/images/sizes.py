"""Arithmetic on the sizes of images, in pixels. A size is (height, width)."""

from collections.abc import Iterator
from dataclasses import dataclass

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in an image: rows from `top`, columns from `left`."""

    top: int
    left: int
    height: int
    width: int


def bands(size: Size, pixels: int) -> Iterator[slice]:
    """Bands of rows that cover an image of `size`, from top to bottom. Each has up to `pixels` pixels, or one row."""
    height, width = size
    rows = max(1, pixels // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def shorter_side(size: Size, length: int) -> Size:
    """`size` scaled so that its shorter side is `length`.

    Sides are rounded down, as in torchvision's `Resize`, so that images have the same size as in the original programs.
    No side becomes shorter than one pixel.
    """
    height, width = (max(1, side * length // min(size)) for side in size)
    return height, width


def longer_side(size: Size, length: int) -> Size:
    """`size` scaled so that its longer side is `length`; no side becomes shorter than one pixel."""
    height, width = (max(1, round(side * length / max(size))) for side in size)
    return height, width


def at_most(size: Size, length: int | None) -> Size:
    """`size`, scaled down if its shorter side is more than `length`."""
    return size if length is None or min(size) <= length else shorter_side(size, length)


def padded_side(side: int, stride: int, minimum: int) -> int:
    """The smallest multiple of `stride` that is at least `side` and at least `minimum`."""
    return -(-max(side, minimum) // stride) * stride


def centered_box(inner: Size, outer: Size) -> Box:
    """The box of size `inner` in the middle of an image of size `outer`. An odd pixel is at the right and bottom."""
    return Box((outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2, *inner)
