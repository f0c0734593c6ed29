"""How to optimize an image within a budget of memory: whole or in bands, and how many steps L-BFGS remembers."""

from dataclasses import dataclass, replace

import torch

from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.nn.vgg import Vgg
from imgxlate.nn.vgg_bands import band_memory

# Bytes for each pixel, measured.
_WHOLE = {torch.bfloat16: 2400, torch.float32: 3200}  # an image that is computed at once, without L-BFGS's memory
_IMAGES = 160  # the image, its gradient, copies of them, and the content image
_STEP = 24  # a step that L-BFGS remembers; Adam takes as much in all

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
    note: str = ""  # how it differs from an image that is computed at once


def plan_memory(
    config: GatysConfig, network: Vgg, size: tuple[int, int], iterations: int, budget: int | None
) -> MemoryPlan:
    """Plan an image of that height and width. `budget` is in bytes; None: there is no limit."""
    height, width = size
    pixels = height * width
    steps = 1 if config.optimizer == "adam" else min(config.history_size, iterations)
    if budget is None or pixels * (_WHOLE.get(network.dtype, 6400) + _STEP * steps) <= budget:
        return MemoryPlan(config)

    values = _MAPS + sum(map(network.density, config.content_layers))
    left = int(budget * _SHARE) - _FIXED - int(pixels * (_IMAGES + values * network.dtype.itemsize))
    layers = (*config.content_layers, *config.style_layers)
    least, good, most = (band_memory(network, layers, width, rows) for rows in _ROWS)
    history = min(max((left - good) // (_STEP * pixels), _LEAST_HISTORY), steps)
    band = left - _STEP * pixels * history
    shortened = f", L-BFGS remembers {history} steps instead of {steps}" if history < steps else ""
    return MemoryPlan(
        replace(config, history_size=history),
        min(max(band, least), most),
        f"in bands of rows{shortened}",
    )
