"""Masks: an image that says which part of another one changes. White changes, black stays, gray blends."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imgxlate.errors import ImageError
from imgxlate.images.image_array import ImageArray, full_scale, to_depth
from imgxlate.images.sizes import Size, bands
from imgxlate.images.tensors import LUMA

_BAND_PIXELS = 1 << 20
_PROPORTIONS = 0.01  # how far those of a mask may be from those of the image
_LEAST_REST = 1e-4  # of a pixel: less is the rounding of masks that were resized
_HINT = "Give a mask of the image's size, or one with the same proportions."


def weights_of(mask: ImageArray, size: Size, name: str = "the mask") -> np.ndarray:
    """How much each pixel of an image of `size` changes: (H, W) float32 from 0 to 1.

    It is the brightness of the mask, which is resized. What is transparent in the mask stays.

    Raises:
        ImageError: the mask has other proportions; gives its `name`.
    """
    require_proportions(mask.size, size, name)
    height, width = size
    brightness = mask.rgb.astype(np.float32) @ np.array(LUMA, np.float32)
    if mask.alpha is not None:
        brightness *= mask.alpha.astype(np.float32) / full_scale(mask.depth)
    if mask.size != size:
        image = Image.fromarray(brightness).resize((width, height), Image.Resampling.BILINEAR)
        brightness = np.asarray(image)
    weights: np.ndarray = (brightness / full_scale(mask.depth)).clip(0, 1)
    return weights


def require_proportions(mask: Size, image: Size, name: str) -> None:
    """Check that a mask of that size has the proportions of the image.

    Raises:
        ImageError: it has others; gives its `name`.
    """
    if abs(mask[0] * image[1] / (mask[1] * image[0]) - 1) > _PROPORTIONS + 1 / min(*image, *mask):
        shapes = " and ".join(f"{width} x {height}" for height, width in (mask, image))
        raise ImageError(name, f"the mask and the image have other proportions: {shapes} pixels", hint=_HINT)


def blend(before: ImageArray, after: ImageArray, weights: np.ndarray) -> ImageArray:
    """`after` where `weights` (H, W) are 1, `before` to the bit where they are 0, and a mixture of both between them.

    Both images have one size; the result has the depth and the transparency of `after`.
    """
    old = to_depth(before.rgb, after.depth)
    mixed = np.empty_like(after.rgb)
    for rows in bands(after.size, _BAND_PIXELS):
        share = weights[rows, :, None]
        change = after.rgb[rows].astype(np.float32) - old[rows]
        mixed[rows] = np.rint(old[rows] + share * change)
    return replace(after, rgb=mixed)


def divide(masks: Sequence[Tensor]) -> tuple[list[Tensor], Tensor | None]:
    """How much of each pixel belongs to the region of each mask (1, 1, H, W), and to the rest; None: there is no rest.

    Where regions overlap, they share the pixels.
    """
    covered = torch.stack([*masks]).sum(dim=0)
    rest = (1 - covered).clamp(min=0)
    return [mask / covered.clamp(min=1) for mask in masks], rest if rest.max() > _LEAST_REST else None
