"""Translation of an image at a smaller size, whose change is carried to the full image."""

import numpy as np
import torch
from torch import Tensor

from imgxlate.config import require_at_least
from imgxlate.images.guided_upsampling import BAND_PIXELS, fit_color_maps, map_colors
from imgxlate.images.image_array import Depth, ImageArray, empty_colors
from imgxlate.images.sizes import at_most, bands
from imgxlate.images.tensors import from_tensor, resize, to_tensor


def work_tensor(image: ImageArray, work_size: int | None) -> Tensor | None:
    """The image (1, 3, h, w) with a shorter side of `work_size` pixels, or None if it is not larger than that.

    Raises:
        UsageError: `work_size` is less than 1.
    """
    require_at_least(1, work_size=work_size)
    height, width = at_most(image.size, work_size)
    if (height, width) == image.size:
        return None
    # The antialiased filter is separable: bands become narrow one at a time, and the whole becomes low at the end.
    narrow = [
        resize(to_tensor(image.rgb[rows]), (rows.stop - rows.start, width)) for rows in bands(image.size, BAND_PIXELS)
    ]
    return resize(torch.cat(narrow, dim=-2), (height, width))


def upsampled(rgb: np.ndarray, small: Tensor, translated: Tensor, device: torch.device, depth: Depth = 8) -> np.ndarray:
    """Carry the change from `small` to `translated`, both (1, 3, h, w), to the colors (H, W, 3) of the full image."""
    maps = fit_color_maps(small, translated).to(device)
    height, width, _ = rgb.shape
    output = empty_colors((height, width), depth)
    for rows in bands((height, width), BAND_PIXELS):
        band = to_tensor(rgb[rows]).to(device)
        output[rows] = from_tensor(map_colors(band, maps, rows.start, height), depth)
    return output
