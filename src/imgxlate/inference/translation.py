"""The way of an image: decode -> tensor in [-1, 1] -> method -> tensor -> picture, at the size that came in."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from imgxlate.errors import UsageError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import shorter_side
from imgxlate.images.tensors import crop, from_tensor, pad_to, resize, to_tensor
from imgxlate.inference.models import Model
from imgxlate.methods.protocol import StyleSampler
from imgxlate.methods.spec import Domain


@dataclass(frozen=True, slots=True)
class Request:
    """What to make of each input."""

    to: Domain
    styles: Tensor | None = None  # (S, style_dim); None for a method without styles
    size: int | None = None  # shorter side in pixels; None keeps the input's size


def translate(model: Model, picture: ImageArray, request: Request) -> Iterator[ImageArray]:
    """Yield a picture for each style (one where there are none), of the input's size, with the input's alpha."""
    picture = resized(picture, request.size)
    image = to_tensor(picture.rgb).to(model.device)  # (1, 3, H, W)
    padded, box = pad_to(image, model.translator.stride, model.translator.minimum_side)
    styles = None if request.styles is None else request.styles.to(model.device)
    for output in model.translator.translate(padded, request.to, styles):
        yield picture.repainted(from_tensor(crop(output.float(), box).cpu()))


def encode_styles(model: Model, pictures: list[ImageArray], request: Request) -> Tensor:
    """The style codes (S, style_dim) of pictures of the target domain.

    Raises:
        UsageError: the model has no style codes.
    """
    if not isinstance(model.translator, StyleSampler):
        raise UsageError(f"{model.name} has no style codes")
    codes = []
    for picture in pictures:
        image = to_tensor(resized(picture, request.size).rgb).to(model.device)
        padded, _ = pad_to(image, model.translator.stride, model.translator.minimum_side)
        codes.append(model.translator.encode_style(padded, request.to))
    return torch.cat(codes).float().cpu()


def resized(picture: ImageArray, size: int | None) -> ImageArray:
    """`picture` with its shorter side at `size` pixels; unchanged where `size` is None or is that side already."""
    if size is None or size == min(picture.size):
        return picture
    return picture.repainted(from_tensor(resize(to_tensor(picture.rgb), shorter_side(picture.size, size))))
