"""Images as tensors: (1, C, H, W) float32 in [-1, 1]."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from imgxlate.errors import DivergedError
from imgxlate.images.image_array import Depth, depth_of, full_scale
from imgxlate.images.pixel_format import Shown, shown_channels
from imgxlate.images.sizes import Box, Size, centered_box, padded_side

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in luma (ITU-R BT.601), as in the papers of SSIM and of color preservation."""


def to_tensor(rgb: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 or uint16 to (1, 3, H, W) float32 in [-1, 1]: black becomes -1, and white, 255 or 65535, 1.

    (H, W, C) float32 in [-1, 1] keeps its values.
    """
    values = np.array(rgb.transpose(2, 0, 1)[None], np.float32, order="C")  # (1, C, H, W)
    if rgb.dtype == np.float32:
        return torch.from_numpy(values)
    return torch.from_numpy(values).div_(full_scale(depth_of(rgb)) / 2).sub_(1)


def from_tensor(image: Tensor, depth: Depth = 8) -> np.ndarray:
    """(1, 3, H, W) in [-1, 1] to (H, W, 3) uint8: round((clamp(x, -1, 1) + 1) * 127.5); or, for 16 bits, uint16.

    For 32 bits, (1, C, H, W) becomes (H, W, C) float32 in [-1, 1].

    Raises:
        DivergedError: a value is NaN or infinite.
    """
    values = image.detach()[0].permute(1, 2, 0).float()  # (H, W, C)
    if not bool(torch.isfinite(values).all()):
        raise DivergedError("the output image has values that are not finite (NaN or infinity)")
    if depth == 32:
        return values.clamp(-1, 1).contiguous().cpu().numpy()
    levels = values.clamp(-1, 1).add_(1).mul_(full_scale(depth) / 2).round_()
    return levels.to(torch.uint16 if depth == 16 else torch.uint8).contiguous().cpu().numpy()


def as_color(images: Tensor, shown: Shown | None = None) -> Tensor:
    """(B, C, H, W) to (B, 3, H, W), for networks that see colors: the channels `shown`, or the first three."""
    channels = shown or shown_channels(images.shape[1])
    return images if images.shape[1] == 3 and channels == (0, 1, 2) else images[:, list(channels)]


def pad_to(images: Tensor, stride: int, minimum_side: int) -> tuple[Tensor, Box]:
    """Pad (B, C, H, W) to the next sides that are multiples of `stride` and at least `minimum_side`.

    Returns the padded images and the box with which `crop` removes the padding. Opposite sides get the same padding, up
    to one pixel. It is a reflection, repeated if it is wider than the image. A side of one pixel is repeated.
    """
    padding = Padding.of((images.shape[-2], images.shape[-1]), stride, minimum_side)
    if padding.is_empty:
        return images, padding.box
    rows, columns = padding.rows.to(images.device), padding.columns.to(images.device)
    return images.index_select(-2, rows).index_select(-1, columns), padding.box


@dataclass(frozen=True, slots=True)
class Padding:
    """How `pad_to` pads an image."""

    rows: Tensor  # the row of the image at each row of the padded image
    columns: Tensor
    box: Box  # the image within the padded one

    @classmethod
    def of(cls, size: Size, stride: int, minimum_side: int) -> Self:
        """The padding of an image of that size."""
        outer = padded_side(size[0], stride, minimum_side), padded_side(size[1], stride, minimum_side)
        box = centered_box(size, outer)
        return cls(_reflected(size[0], box.top, outer[0]), _reflected(size[1], box.left, outer[1]), box)

    @property
    def is_empty(self) -> bool:
        """Whether the padded image is the image itself."""
        return (len(self.rows), len(self.columns)) == (self.box.height, self.box.width)


def crop(images: Tensor, box: Box) -> Tensor:
    """The part of (B, C, H, W) in the box."""
    return images[..., box.top : box.top + box.height, box.left : box.left + box.width]


def resize(images: Tensor, size: Size, interpolation: Literal["bilinear", "bicubic"] = "bilinear") -> Tensor:
    """Resize (B, C, H, W) in [-1, 1] to `size`, antialiased, in float32.

    The original programs shrink their inputs with bilinear interpolation. Bicubic keeps more detail in enlarged images.
    """
    if tuple(images.shape[-2:]) == size:
        return images
    resized = functional.interpolate(images.float(), size, mode=interpolation, antialias=True)
    return resized.clamp_(-1, 1)  # Bicubic overshoots.


def _reflected(side: int, before: int, total: int) -> Tensor:
    """The index of the pixel, of `side` pixels, at each of `total` positions, of which `before` precede the image."""
    if side == 1:
        return torch.zeros(total, dtype=torch.long)
    last = side - 1
    positions = torch.arange(-before, total - before) % (2 * last)
    return last - (positions - last).abs()
