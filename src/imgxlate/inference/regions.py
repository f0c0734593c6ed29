"""Regions of an image, each of which is painted in its own style."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from imgxlate.errors import ImageError
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.labels import mask_of, split_label
from imgxlate.images.limits import Limits
from imgxlate.images.masks import weights_of
from imgxlate.images.pil import ImageLike, to_image_array
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import to_tensor
from imgxlate.methods.protocol import StyledRegion


@dataclass(frozen=True, slots=True)
class Region:
    """A region of an image, and the style that it is painted in.

        >>> sky = imgxlate.Region("mask.png", "painting.jpg")
        >>> image = imgxlate.stylize("photo.jpg", "snow.jpg", regions=[sky], size=64, settings={"iterations": 5})

    Masks are images of the proportions of the image that they are for. What is white in a mask belongs to the region;
    gray gives soft edges. A path such as "labels.png#0000ff" or "labels.png#blue" is the part of a label map that has
    this color.
    """

    mask: ImageLike
    style: ImageLike
    style_mask: ImageLike | None = None  # the part of the style image that is the style; None: all of it
    mask_name: str = ""  # of the mask in errors; empty: its path, or the number of the region


def styled_regions(regions: Sequence[Region], size: Size, limits: Limits, depth: Depth) -> list[StyledRegion]:
    """The regions of an image of `size`, as methods take them.

    Raises:
        ImageError: an image cannot be read, a mask has other proportions than its image, or it is black.
        UsageError: the color of a label map is not a color.
    """
    return [_styled(region, number, size, limits, depth) for number, region in enumerate(regions, start=1)]


def _styled(region: Region, number: int, size: Size, limits: Limits, depth: Depth) -> StyledRegion:
    style = to_image_array(region.style, limits, depth)
    mask = _weights(region.mask, size, limits, f"the mask of region {number}", region.mask_name)
    style_mask = region.style_mask
    return StyledRegion(
        mask,
        to_tensor(style.on_white().rgb),
        None if style_mask is None else _weights(style_mask, style.size, limits, f"the style mask of region {number}"),
    )


def _weights(mask: ImageLike, size: Size, limits: Limits, title: str, name: str = "") -> Tensor:
    """How much each pixel of an image of `size` belongs to the region: (1, 1, H, W) from 0 to 1."""
    name = name or (os.fspath(mask) if isinstance(mask, str | os.PathLike) else title)
    weights = weights_of(read_mask(mask, limits), size, name)
    if not weights.any():
        raise ImageError(name, f"{title} is black, so it marks nothing", hint="Make the region white.")
    return torch.from_numpy(weights.copy())[None, None]


def read_mask(mask: ImageLike, limits: Limits) -> ImageArray:
    """The image of a mask, or of the part in one color of a label map.

    Raises:
        ImageError: it cannot be read, or the color does not occur.
        UsageError: the color is not a color.
    """
    if isinstance(mask, str | os.PathLike):
        file, mark, color = split_label(os.fspath(mask))
        image = to_image_array(Path(file), limits)
        return mask_of(image, color, file) if mark else image
    return to_image_array(mask, limits)
