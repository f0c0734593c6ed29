"""Pictures as tensors: (1, 3, H, W) float32 in [-1, 1]."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from imgxlate.errors import DivergedError
from imgxlate.images.sizes import Box, Size, centred, padded_side


def to_tensor(rgb: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) float32 in [-1, 1]; 0 becomes -1 and 255 becomes 1."""
    channels_first = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])  # (1, 3, H, W)
    return torch.from_numpy(channels_first.astype(np.float32)).div_(127.5).sub_(1)


def from_tensor(picture: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [-1, 1] to (H, W, 3) uint8: round((clamp(x, -1, 1) + 1) * 127.5).

    Raises:
        DivergedError: a value is NaN or infinite.
    """
    values = picture.detach()[0].permute(1, 2, 0).float()  # (H, W, 3)
    if not bool(torch.isfinite(values).all()):
        raise DivergedError("the picture that came out holds values that are no finite numbers (NaN or infinity)")
    grey_levels = values.clamp(-1, 1).add_(1).mul_(127.5).round_().to(torch.uint8)
    return grey_levels.contiguous().cpu().numpy()


def pad_to(pictures: Tensor, stride: int, minimum_side: int) -> tuple[Tensor, Box]:
    """Enlarge (B, C, H, W) to the next sides that are multiples of `stride` and at least `minimum_side`.

    Returns the enlarged pictures and the box that `crop` takes to undo it. The border is split evenly between opposite
    sides, so that no side is further from real pixels than need be, and is filled by reflection, again and again where
    it is wider than the picture; a side of one pixel is repeated.
    """
    size = pictures.shape[-2], pictures.shape[-1]
    outer = padded_side(size[0], stride, minimum_side), padded_side(size[1], stride, minimum_side)
    box = centred(size, outer)
    if outer == size:
        return pictures, box
    rows = _reflected(size[0], box.top, outer[0]).to(pictures.device)
    columns = _reflected(size[1], box.left, outer[1]).to(pictures.device)
    return pictures.index_select(-2, rows).index_select(-1, columns), box


def crop(pictures: Tensor, box: Box) -> Tensor:
    """The part of (B, C, H, W) that lies in the box."""
    return pictures[..., box.top : box.top + box.height, box.left : box.left + box.width]


def resize(pictures: Tensor, size: Size, interpolation: Literal["bilinear", "bicubic"] = "bilinear") -> Tensor:
    """Resize (B, C, H, W) in [-1, 1] to `size`, antialiased, in float32.

    Bilinear is what the original programs shrink their inputs with; bicubic keeps more detail where pictures grow.
    """
    if tuple(pictures.shape[-2:]) == size:
        return pictures
    resized = functional.interpolate(pictures.float(), size, mode=interpolation, antialias=True)
    return resized.clamp_(-1, 1)  # Bicubic overshoots.


def _reflected(side: int, before: int, total: int) -> Tensor:
    """For each of `total` positions, of which `before` lie before the picture, which of its `side` pixels it shows."""
    if side == 1:
        return torch.zeros(total, dtype=torch.long)
    last = side - 1
    positions = torch.arange(-before, total - before) % (2 * last)
    return last - (positions - last).abs()
