"""Arithmetic on the sizes of pictures, in pixels. A size is (height, width)."""

from dataclasses import dataclass

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a picture: rows from `top`, columns from `left`."""

    top: int
    left: int
    height: int
    width: int


def shorter_side(size: Size, length: int) -> Size:
    """`size` scaled so that its shorter side is `length`.

    A fraction of a pixel is dropped, as torchvision's `Resize` does, so that pictures are as large as those of the
    original programs. No side becomes shorter than one pixel.
    """
    height, width = (max(1, side * length // min(size)) for side in size)
    return height, width


def padded_side(side: int, stride: int, minimum: int) -> int:
    """The smallest multiple of `stride` that is at least `side` and at least `minimum`."""
    return -(-max(side, minimum) // stride) * stride


def centred(inner: Size, outer: Size) -> Box:
    """Where a picture of size `inner` lies in the middle of one of size `outer`, the odd pixel right and below."""
    return Box((outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2, *inner)
