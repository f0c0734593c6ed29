"""Images at the size at which they are measured: small enough for bounded memory, large enough for the networks."""

from torch import Tensor

from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import as_color, pad_to, resize, to_tensor

LONGEST_SIDE = 256
"""Pixels. The papers of MUNIT and LPIPS measure images of 256 x 256."""

SMALLEST_SIDE = 32
"""Pixels. AlexNet needs 31, VGG-19 16, and the window of SSIM 11."""

SIZES = (
    f"Images are reduced, antialiased, to at most {LONGEST_SIDE} pixels on the longer side; "
    f"sides below {SMALLEST_SIDE} pixels are padded by reflection."
)
"""Describes `view` in reports."""


def view(image: ImageArray, size: Size | None = None) -> Tensor:
    """The colors of `image` as (1, 3, H, W) float32 in [-1, 1] on the CPU, H and W within the bounds above.

    `size` is the size of the image that it is compared with: it is resized to that first. None: its own size.
    """
    tensor = resize(as_color(to_tensor(image.on_white().rgb), image.shown), _bounded(size or image.size))
    return pad_to(tensor, 1, SMALLEST_SIDE)[0]


def _bounded(size: Size) -> Size:
    scale = min(1.0, LONGEST_SIDE / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width
