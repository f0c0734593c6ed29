"""Pictures as the measures see them: small enough for bounded memory, large enough for the networks."""

import torch
from torch import Tensor

from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import pad_to, resize, to_tensor

Image = ImageArray | Tensor
"""A decoded picture, whose transparency is not looked at, or a tensor (1, 3, H, W) in [-1, 1] on any device."""

LONGEST_SIDE = 256
"""Pixels. MUNIT and LPIPS were measured on pictures of 256 x 256."""

SMALLEST_SIDE = 32
"""Pixels. AlexNet's features have no positions below 31, VGG-19's below 16, and the window of SSIM takes 11."""

SIZES = (
    f"Pictures are shrunk, antialiased, to at most {LONGEST_SIDE} pixels on the longer side; "
    f"sides below {SMALLEST_SIDE} pixels are filled up by reflection."
)
"""What `view` does, for people."""


def as_tensor(image: Image) -> Tensor:
    """(1, 3, H, W) float32 in [-1, 1] on the CPU."""
    if isinstance(image, ImageArray):
        return to_tensor(image.rgb)
    return image.detach().float().cpu()


def view(image: Image, size: Size | None = None) -> Tensor:
    """`image` as (1, 3, H, W) float32 in [-1, 1] on the CPU, its size bounded from above and below.

    It is resized to `size` first, where that is given: the size of the picture that it is compared with.
    """
    tensor = as_tensor(image)
    tensor = resize(tensor, bounded(size or (tensor.shape[-2], tensor.shape[-1])))
    return pad_to(tensor, 1, SMALLEST_SIDE)[0]


def bounded(size: Size) -> Size:
    """`size`, scaled down until the longer side is `LONGEST_SIDE`, where it is longer."""
    scale = min(1.0, LONGEST_SIDE / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def size_of(image: Image) -> Size:
    """Height and width in pixels."""
    return image.size if isinstance(image, ImageArray) else (image.shape[-2], image.shape[-1])


def on(device: torch.device, image: Image, size: Size | None = None) -> Tensor:
    """The `view` of `image`, on `device`."""
    return view(image, size).to(device)
