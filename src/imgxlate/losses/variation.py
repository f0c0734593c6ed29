"""Total variation: how much neighbouring pixels differ."""

from typing import Literal

from torch import Tensor

Variation = Literal["absolute", "squared"]


def total_variation(image: Tensor, kind: Variation) -> Tensor:
    """Sum of the `absolute` or `squared` differences to the pixels to the right and below, of an image (B, C, H, W)."""
    right = image[..., :, 1:] - image[..., :, :-1]
    below = image[..., 1:, :] - image[..., :-1, :]
    if kind == "absolute":
        return right.abs().sum() + below.abs().sum()
    return right.square().sum() + below.square().sum()
