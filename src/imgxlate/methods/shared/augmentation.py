"""DiffAugment (arXiv 2006.10738): the discriminators see all images, real and translated, through random changes.

The changes are differentiable, so the generators are trained through them. All randomness is the noise of the step.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from imgxlate.methods.protocol import Noise
from imgxlate.methods.shared.config import Augmentation

_SHIFT = 1 / 8  # the largest translation, as a share of the side
_CUTOUT = 1 / 2  # the side of the square that is cut out, as a share of the image's side


def augment(images: Tensor, changes: tuple[Augmentation, ...], noise: Noise) -> Tensor:
    """Images (B, C, H, W) in [-1, 1] after `changes`, one after the other; each image has random numbers of its own.

    `color` changes brightness, saturation and contrast; `translation` shifts the image by up to an eighth of its sides;
    `cutout` hides a square of half its sides. Hidden pixels are 0, a medium gray.
    """
    for change in changes:
        transform, numbers = _TRANSFORMS[change]
        images = transform(images, _uniform(noise((numbers,))).to(images))
    return images


def _uniform(noise: Tensor) -> Tensor:
    """Numbers from U(0, 1), by the distribution function of numbers from N(0, 1)."""
    uniform: Tensor = torch.special.ndtr(noise)
    return uniform


def _change_color(images: Tensor, numbers: Tensor) -> Tensor:
    """Add up to half a unit of brightness; scale saturation by up to 2, and contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = (number[:, None, None, None] for number in numbers.unbind(1))
    images = images + (brightness - 0.5)
    images = _scaled(images, images.mean(1, keepdim=True), 2 * saturation)
    return _scaled(images, images.mean((1, 2, 3), keepdim=True), contrast + 0.5)


def _scaled(images: Tensor, center: Tensor, factor: Tensor) -> Tensor:
    return center + (images - center) * factor


def _translate(images: Tensor, numbers: Tensor) -> Tensor:
    """Shift by whole pixels. Pixels from outside the image are 0."""
    height, width = images.shape[2:]
    rows, row_inside = _shifted(height, numbers[:, 0])
    columns, column_inside = _shifted(width, numbers[:, 1])
    # Each source pixel is read once, so that gradients do not depend on the order in which a GPU adds them.
    sources = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)[:, None].expand(-1, images.shape[1], -1)
    shifted = images.flatten(2).gather(2, sources).view(images.shape)
    return shifted.masked_fill(~_crossing(row_inside, column_inside), 0)


def _shifted(side: int, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Where each position comes from, cyclically, and whether that is inside the image: (B, side) each."""
    reach = round(side * _SHIFT)
    offsets = _integers(numbers, 2 * reach + 1) - reach
    sources = torch.arange(side, device=numbers.device) - offsets[:, None]
    return sources % side, (sources >= 0) & (sources < side)


def _cut_out(images: Tensor, numbers: Tensor) -> Tensor:
    """Hide a square whose center is anywhere in the image."""
    rows, columns = (_covered(side, number) for side, number in zip(images.shape[2:], numbers.unbind(1), strict=True))
    return images.masked_fill(_crossing(rows, columns), 0)


def _covered(side: int, numbers: Tensor) -> Tensor:
    """Whether each position (B, side) is in the square."""
    length = round(side * _CUTOUT)
    first = _integers(numbers, side + 1 - length % 2) - length // 2
    positions = torch.arange(side, device=numbers.device) - first[:, None]
    return (positions >= 0) & (positions < length)


def _crossing(rows: Tensor, columns: Tensor) -> Tensor:
    """Whether each position (B, 1, H, W) is in one of the rows (B, H) and in one of the columns (B, W)."""
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _integers(numbers: Tensor, count: int) -> Tensor:
    """Integers from 0 to `count` - 1 by numbers in [0, 1]."""
    return (numbers * count).long().clamp(max=count - 1)


_TRANSFORMS: dict[Augmentation, tuple[Callable[[Tensor, Tensor], Tensor], int]] = {
    "color": (_change_color, 3),
    "translation": (_translate, 2),
    "cutout": (_cut_out, 2),
}
"""Each change, and how many random numbers it takes."""
