"""How to optimize an image within a budget of memory: whole or in bands, and how many steps L-BFGS remembers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.nn.vgg import Vgg
from imgxlate.nn.vgg_bands import band_memory

Size = tuple[int, int]
"""Height and width of an image, in pixels."""

# Bytes for each pixel, measured.
_WHOLE = {torch.bfloat16: 2400, torch.float32: 3200}  # an image that is computed at once, without L-BFGS's memory
_IMAGES = 160  # the image, its gradient, copies of them, and the content image
_STEP = 24  # a step that L-BFGS remembers; Adam takes as much in all
_TARGET = 900  # the features of a content or style image that is computed at once; they have no gradients
_STYLE_IMAGE = 36  # a style image, and copies of it
_GUIDED = 600  # features times a guidance channel and their gradient; regions take turns
_REGION = 16  # the mask and the guidance channels of a region

_SHARE = 0.85  # of the budget is planned: at 4096 pixels, the peak was 13% above the plan
_FIXED = 200_000_000  # bytes: buffers of convolutions, and what the C library keeps
_MAPS = 20  # values for each pixel: maps that bands keep, and their gradients
_ROWS = (8, 64, 128)  # of a band: the least, a good number and the most; with few rows, the halos take much time
_LEAST_HISTORY = 2  # With two steps, L-BFGS still reaches a lower loss than Adam, which takes the memory of one step.


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How to optimize an image."""

    config: GatysConfig  # with the history that fits into the memory
    band_memory: int | None = None  # bytes for a band; None: the image is computed at once
    target_band_memory: int | None = None  # the same for the features of the content and style images
    note: str = ""  # how it differs from images that are computed at once


def plan_memory(
    config: GatysConfig,
    network: Vgg,
    size: Size,
    styles: Sequence[Size],
    iterations: int,
    budget: int | None,
    regions: int = 0,
) -> MemoryPlan:
    """Plan an image of a size, with style images of other sizes and some regions.

    `budget` is in bytes; None: there is no limit.
    """
    if budget is None:
        return MemoryPlan(config)
    steps = 1 if config.optimizer == "adam" else min(config.history_size, iterations)
    height, width = size
    guided = _REGION * regions + (_GUIDED if regions else 0)
    if height * width * (_WHOLE.get(network.dtype, 6400) + guided + _STEP * steps) > budget:
        return _in_bands(config, network, size, styles, steps, budget - height * width * _REGION * regions)
    if _style_images(styles) + _TARGET * max(map(_pixels, (size, *styles))) > budget:
        bands = _target_band_memory(config, network, [size, *styles], budget)
        return MemoryPlan(config, target_band_memory=bands, note="style images in bands of rows")
    return MemoryPlan(config)


def _in_bands(
    config: GatysConfig, network: Vgg, size: Size, styles: Sequence[Size], steps: int, budget: int
) -> MemoryPlan:
    pixels = _pixels(size)
    values = _MAPS + sum(map(network.density, config.content_layers))
    left = int(budget * _SHARE) - _FIXED - int(pixels * (_IMAGES + values * network.dtype.itemsize))
    least, good, most = _band_memories(config, network, size[1])
    history = min(max((left - good) // (_STEP * pixels), _LEAST_HISTORY), steps)
    band = min(max(left - _STEP * pixels * history, least), most)
    shortened = f", L-BFGS remembers {history} steps instead of {steps}" if history < steps else ""
    return MemoryPlan(
        replace(config, history_size=history),
        band,
        _target_band_memory(config, network, [size, *styles], budget),
        f"in bands of rows{shortened}",
    )


def _target_band_memory(config: GatysConfig, network: Vgg, sizes: Sequence[Size], budget: int) -> int:
    """The bytes for a band of the content image and of the style images; `sizes` begin with that of the content."""
    content, *styles = sizes
    kept = sum(map(network.density, config.content_layers)) * _pixels(content)
    maps = _MAPS * max(map(_pixels, sizes))
    left = int(budget * _SHARE) - _FIXED - _style_images(styles) - int((kept + maps) * network.dtype.itemsize)
    least, _, most = _band_memories(config, network, max(width for _, width in sizes))
    return min(max(left, least), most)


def _band_memories(config: GatysConfig, network: Vgg, width: int) -> list[int]:
    """The bytes that bands of `_ROWS` take, of an image of that width."""
    layers = (*config.content_layers, *config.style_layers)
    return [band_memory(network, layers, width, rows) for rows in _ROWS]


def _style_images(sizes: Sequence[Size]) -> int:
    """The bytes that style images take."""
    return _STYLE_IMAGE * sum(map(_pixels, sizes))


def _pixels(size: Size) -> int:
    height, width = size
    return height * width
