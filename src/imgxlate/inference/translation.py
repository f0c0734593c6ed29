"""The way of an image through a model: decoded image -> tensor -> networks -> tensor -> image of the input's size."""

from collections.abc import Iterator

import torch
from torch import Tensor

from imgxlate.config import require_at_least
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.sizes import shorter_side
from imgxlate.images.tensors import crop, from_tensor, pad_to, resize, to_tensor
from imgxlate.methods.protocol import StyleSampler, Translator
from imgxlate.methods.spec import Domain


def translate(
    translator: Translator,
    device: torch.device,
    image: ImageArray,
    to: Domain,
    codes: Tensor | None = None,  # (S, style_dim); None: the method has no styles
    size: int | None = None,  # shorter side of the output in pixels; None: the input's size
    depth: Depth = 8,  # bits of the output
) -> Iterator[ImageArray]:
    """Yield an image for each style code, or one image if the method has no styles, with the input's transparency."""
    image = resized(image, size)
    rgb = to_tensor(image.rgb).to(device)  # (1, 3, H, W) in [-1, 1]
    padded, box = pad_to(rgb, translator.stride, translator.minimum_side)
    codes = None if codes is None else codes.to(device)
    for translated in translator.translate(padded, to, codes):
        yield image.with_rgb(from_tensor(crop(translated.float(), box).cpu(), depth))


def encode_style(
    translator: StyleSampler, device: torch.device, image: ImageArray, domain: Domain, size: int | None = None
) -> Tensor:
    """The style code (1, style_dim) of an image of `domain`, in float32 on the CPU."""
    rgb = to_tensor(resized(image, size).rgb).to(device)
    padded, _ = pad_to(rgb, translator.stride, translator.minimum_side)
    return translator.encode_style(padded, domain).float().cpu()


def resized(image: ImageArray, size: int | None) -> ImageArray:
    """The image with its shorter side at `size` pixels, or the image itself if `size` is None or is that side.

    Raises:
        UsageError: `size` is less than 1.
    """
    require_at_least(1, size=size)
    if size is None or size == min(image.size):
        return image
    return image.with_rgb(from_tensor(resize(to_tensor(image.rgb), shorter_side(image.size, size)), image.depth))


_FAR_LARGER = 3  # times the shorter side of the training images


def size_advice(image: ImageArray, model: str, trained_size: int | None) -> str | None:
    """Advice on the size for an image that is far larger than the model's training images, else None."""
    side = min(image.size)
    if trained_size is None or side < _FAR_LARGER * trained_size:
        return None
    return (
        f"its shorter side has {side} pixels, and {model} was trained on images of {trained_size}. "
        f"`--size {2 * trained_size}` or less changes more of the image"
    )
