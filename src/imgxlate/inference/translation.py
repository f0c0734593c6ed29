"""The way of an image through a model: decoded image -> tensor -> networks -> tensor -> image of the input's size."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from imgxlate import memory
from imgxlate.callbacks import ignore
from imgxlate.config import require_at_least
from imgxlate.errors import is_out_of_memory
from imgxlate.images.guided_upsampling import bands, fit_color_maps, map_colors
from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import at_most, shorter_side
from imgxlate.images.tensors import crop, from_tensor, pad_to, resize, to_tensor
from imgxlate.inference import large
from imgxlate.inference.large import OnBand
from imgxlate.methods.protocol import Staged, StagedStyleSampler, StyleSampler, Translator
from imgxlate.methods.spec import Domain


def translate(
    translator: Translator,
    device: torch.device,
    image: ImageArray,
    to: Domain,
    codes: Tensor | None = None,  # (S, style_dim); None: the method has no styles
    size: int | None = None,  # shorter side of the output in pixels; None: the input's size
    work_size: int | None = None,  # longest shorter side to translate at; a larger output is upsampled to its size
    *,
    limit: int | None = None,  # bytes of memory for the process in all; None: half of what is free
    on_band: OnBand = ignore,  # called if the image is translated in bands
) -> Iterator[ImageArray]:
    """Yield an image for each style code, or one image if the method has no styles, with the input's transparency.

    If the whole image takes too much memory, it is translated in bands of rows, with the same result.

    Raises:
        UsageError: `size` or `work_size` is less than 1.
        DeviceError: a scratch file cannot be written.
    """
    image = resized(image, size)
    codes = None if codes is None else codes.to(device)
    small = work_tensor(image, work_size)
    if small is not None:
        for output in _outputs(translator, device, small, to, codes):
            yield image.with_rgb(upsampled(image.rgb, small, output, device))
        return
    if not isinstance(translator, Staged):
        yield from _whole(translator, device, image, to, codes)
        return
    needed = large.translation_memory(translator, image, to, codes)
    budget, done = memory.budget(device, limit, needed), 0
    if needed <= budget:
        try:
            for translated in _whole(translator, device, image, to, codes):
                yield translated
                done += 1
            return
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        budget = min(budget, memory.budget(device, None, needed))  # There was less memory than expected.
    rest = None if codes is None else codes[done:]
    yield from large.translate(translator, device, image, to, rest, budget, on_band)


def _whole(
    translator: Translator, device: torch.device, image: ImageArray, to: Domain, codes: Tensor | None
) -> Iterator[ImageArray]:
    for output in _outputs(translator, device, to_tensor(image.rgb), to, codes):
        yield image.with_rgb(from_tensor(output))


def _outputs(
    translator: Translator, device: torch.device, rgb: Tensor, to: Domain, codes: Tensor | None
) -> Iterator[Tensor]:
    """The translations (1, 3, H, W) of an image (1, 3, H, W) in [-1, 1], on the CPU."""
    padded, box = pad_to(rgb.to(device), translator.stride, translator.minimum_side)
    for translated in translator.translate(padded, to, codes):
        yield crop(translated.float(), box).cpu()


def encode_style(
    translator: StyleSampler,
    device: torch.device,
    image: ImageArray,
    domain: Domain,
    size: int | None = None,
    work_size: int | None = None,
    *,
    limit: int | None = None,  # bytes of memory for the process in all; None: half of what is free
) -> Tensor:
    """The style code (1, style_dim) of an image of `domain`, in float32 on the CPU.

    A style image is encoded at the size at which an image of its size is translated.
    """
    image = resized(image, size)
    small = work_tensor(image, work_size)
    if small is not None or not isinstance(translator, StagedStyleSampler):
        return _encode_whole(translator, device, to_tensor(image.rgb) if small is None else small, domain)
    needed = large.encoding_memory(translator, image, domain)
    budget = memory.budget(device, limit, needed)
    if needed <= budget:
        try:
            return _encode_whole(translator, device, to_tensor(image.rgb), domain)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        budget = min(budget, memory.budget(device, None, needed))  # There was less memory than expected.
    return large.encode_style(translator, device, image, domain, budget).cpu()


def _encode_whole(translator: StyleSampler, device: torch.device, rgb: Tensor, domain: Domain) -> Tensor:
    padded, _ = pad_to(rgb.to(device), translator.stride, translator.minimum_side)
    return translator.encode_style(padded, domain).float().cpu()


def work_tensor(image: ImageArray, work_size: int | None) -> Tensor | None:
    """The image (1, 3, h, w) with a shorter side of `work_size` pixels; None: its own shorter side is not longer.

    Raises:
        UsageError: `work_size` is less than 1.
    """
    require_at_least(1, work_size=work_size)
    height, width = at_most(image.size, work_size)
    if (height, width) == image.size:
        return None
    # The antialiased filter is separable: bands become narrow one at a time, and the whole becomes low at the end.
    narrow = [resize(to_tensor(image.rgb[rows]), (rows.stop - rows.start, width)) for rows in bands(image.size)]
    return resize(torch.cat(narrow, dim=-2), (height, width))


def upsampled(rgb: np.ndarray, small: Tensor, translated: Tensor, device: torch.device) -> np.ndarray:
    """Carry the change from `small` to `translated`, both (1, 3, h, w), to the colors (H, W, 3) of the full image."""
    maps = fit_color_maps(small, translated).to(device)
    output = np.empty_like(rgb)
    height, width, _ = rgb.shape
    for rows in bands((height, width)):
        band = to_tensor(rgb[rows]).to(device)
        output[rows] = from_tensor(map_colors(band, maps, rows.start, height))
    return output


def resized(image: ImageArray, size: int | None) -> ImageArray:
    """The image with its shorter side at `size` pixels, or the image itself if `size` is None or is that side.

    Raises:
        UsageError: `size` is less than 1.
    """
    require_at_least(1, size=size)
    if size is None or size == min(image.size):
        return image
    return image.with_rgb(from_tensor(resize(to_tensor(image.rgb), shorter_side(image.size, size))))


_FAR_LARGER = 3  # times the shorter side of the training images


def size_advice(image: ImageArray, model: str, trained_size: int | None, *, with_work_size: bool = False) -> str | None:
    """Advice on the size for an image that is far larger than the model's training images, else None.

    `with_work_size`: whether the advice names `--work-size`, which only some commands have.
    """
    side = min(image.size)
    if trained_size is None or side < _FAR_LARGER * trained_size:
        return None
    advice = (
        f"its shorter side has {side} pixels, and {model} was trained on images of {trained_size}. "
        f"`--size {2 * trained_size}` or less changes more of the image"
    )
    if with_work_size:
        advice += f". `--work-size {2 * trained_size}` is fast, and keeps the size and the detail of the image"
    return advice
