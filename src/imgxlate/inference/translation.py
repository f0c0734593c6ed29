"""The way of an image through a model: decoded image -> tensor -> networks -> tensor -> image of the input's size."""

from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import torch
from torch import Tensor

from imgxlate import memory
from imgxlate.callbacks import ignore
from imgxlate.config import require_at_least
from imgxlate.errors import is_out_of_memory
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.sizes import shorter_side
from imgxlate.images.tensors import crop, from_tensor, pad_to, resize, to_tensor
from imgxlate.inference import large
from imgxlate.inference.large import OnBand
from imgxlate.inference.work_size import upsampled, work_tensor
from imgxlate.methods.protocol import Staged, StagedStyleSampler, StyleSampler, Translator
from imgxlate.methods.spec import Domain
from imgxlate.nn.moving_moments import begin_frame_again

_T = TypeVar("_T")


def translate(
    translator: Translator,
    device: torch.device,
    image: ImageArray,
    to: Domain,
    codes: Tensor | None = None,  # (S, style_dim); None: the method has no styles
    size: int | None = None,  # shorter side of the output in pixels; None: the input's size
    *,
    work_size: int | None = None,  # longest shorter side to translate at; a larger output is upsampled to its size
    depth: Depth = 8,  # bits of the output
    limit: int | None = None,  # bytes of memory for the process in all; None: half of what is free
    on_band: OnBand = ignore,  # called if the image is translated in bands
) -> Iterator[ImageArray]:
    """Yield an image for each style code, or one image if the method has no styles, with the input's transparency.

    The networks see the image on white. If the whole image takes too much memory, it is translated in bands of rows,
    with the same result.

    Raises:
        UsageError: `size` or `work_size` is less than 1.
        DeviceError: a scratch file cannot be written.
    """
    image = resized(image.on_white(), size)
    codes = None if codes is None else codes.to(device)
    small = work_tensor(image, work_size)
    source = image if small is None else ImageArray(from_tensor(small, 16))

    def whole() -> Iterator[Tensor]:
        rgb = to_tensor(image.rgb) if small is None else small
        return _outputs(translator, device, rgb, to, codes)

    def in_bands(done: int, budget: int, bits: Depth) -> Iterator[ImageArray]:
        rest = None if codes is None else codes[done:]
        return large.translate(cast(Staged, translator), device, source, to, rest, budget, depth=bits, on_band=on_band)

    needed = large.translation_memory(translator, source, to, codes) if isinstance(translator, Staged) else None
    if small is None:
        yield from _fitting(
            device,
            limit,
            needed,
            lambda: (image.with_rgb(from_tensor(output, depth)) for output in whole()),
            lambda done, budget: in_bands(done, budget, depth),
        )
        return
    for output in _fitting(
        device,
        limit,
        needed,
        whole,
        lambda done, budget: (to_tensor(translated.rgb) for translated in in_bands(done, budget, 16)),
    ):
        yield image.with_rgb(upsampled(image.rgb, small, output, device, depth))


def _fitting(
    device: torch.device,
    limit: int | None,
    needed: int | None,  # bytes that `whole` takes; None: it cannot be done in bands
    whole: Callable[[], Iterator[_T]],
    in_bands: Callable[[int, int], Iterator[_T]],  # takes how many results there are already, and the budget in bytes
) -> Iterator[_T]:
    """The results of `whole`, or those of `in_bands` if they take too much memory, as expected or as it turns out."""
    if needed is None:
        yield from whole()
        return
    budget, done = memory.budget(device, limit, needed), 0
    if needed <= budget:
        try:
            for result in whole():
                yield result
                done += 1
            return
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        begin_frame_again()
        budget = min(budget, memory.budget(device, None, needed))  # There was less memory than expected.
    yield from in_bands(done, budget)


def _outputs(
    translator: Translator, device: torch.device, rgb: Tensor, to: Domain, codes: Tensor | None
) -> Iterator[Tensor]:
    """The translations (1, C', H, W) of an image (1, C, H, W) in [-1, 1], on the CPU."""
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
    """The style code (1, style_dim) of an image of `domain`, laid on white, in float32 on the CPU.

    A style image is encoded at the size at which an image of its size is translated.
    """
    image = resized(image.on_white(), size)
    small = work_tensor(image, work_size)
    source = image if small is None else ImageArray(from_tensor(small, 16))

    def whole() -> Iterator[Tensor]:
        yield _encode_whole(translator, device, to_tensor(image.rgb) if small is None else small, domain)

    def in_bands(done: int, budget: int) -> Iterator[Tensor]:
        yield large.encode_style(cast(StagedStyleSampler, translator), device, source, domain, budget).cpu()

    needed = large.encoding_memory(translator, source, domain) if isinstance(translator, StagedStyleSampler) else None
    return next(_fitting(device, limit, needed, whole, in_bands))


def _encode_whole(translator: StyleSampler, device: torch.device, rgb: Tensor, domain: Domain) -> Tensor:
    padded, _ = pad_to(rgb.to(device), translator.stride, translator.minimum_side)
    return translator.encode_style(padded, domain).float().cpu()


def resized(image: ImageArray, size: int | None) -> ImageArray:
    """The image with its shorter side at `size` pixels, or the image itself if `size` is None or is that side.

    Raises:
        UsageError: `size` is less than 1.
    """
    require_at_least(1, size=size)
    if size is None or size == min(image.size):
        return image
    image = image.on_white()  # Colors of transparent pixels would mix with their neighbors.
    return image.with_rgb(from_tensor(resize(to_tensor(image.rgb), shorter_side(image.size, size)), image.depth))


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
