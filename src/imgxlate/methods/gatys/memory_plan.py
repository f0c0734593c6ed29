"""How to optimize an image within a budget of memory: whole or in bands, and how many steps L-BFGS remembers."""

from dataclasses import dataclass, replace

import torch

from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.nn.vgg import Vgg
from imgxlate.nn.vgg_bands import band_memory

# Bytes for each pixel, measured.
_WHOLE = {torch.bfloat16: 2400, torch.float32: 3200}  # an image that is computed at once, without L-BFGS's memory
_IMAGES = 150  # the image, its gradient, copies of them, and the content image
_STEP = 24  # a step that L-BFGS remembers; Adam's memory takes as much

_MAPS = 20  # values for each pixel: maps that bands keep, and their gradients
_ROWS = (8, 64, 256)  # of a band: the least, a good number and the most; with few rows, the halos take much time
_LEAST_HISTORY = 4  # with fewer steps, Adam gives a better image
_ADAM_STEP = 2.0  # in gray levels


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How to optimize an image."""

    config: GatysConfig  # with the optimizer that fits into the memory
    band_memory: int | None = None  # bytes for a band; None: the image is computed at once

    def __str__(self) -> str:
        if self.band_memory is None:
            return ""
        adam = self.config.optimizer == "adam"
        return f"in bands of rows, {'by Adam' if adam else f'L-BFGS remembers {self.config.history_size} steps'}"


def plan_memory(
    config: GatysConfig, network: Vgg, size: tuple[int, int], iterations: int, budget: int | None
) -> MemoryPlan:
    """Plan an image of that height and width. `budget` is in bytes; None: there is no limit."""
    height, width = size
    pixels = height * width
    history = 1 if config.optimizer == "adam" else min(config.history_size, iterations)
    if budget is None or pixels * (_WHOLE.get(network.dtype, 6400) + _STEP * history) <= budget:
        return MemoryPlan(config)

    values = _MAPS + sum(map(network.density, config.content_layers))
    left = budget - int(pixels * (_IMAGES + values * network.dtype.itemsize))
    layers = (*config.content_layers, *config.style_layers)
    least, good, most = (band_memory(network, layers, width, rows) for rows in _ROWS)
    if config.optimizer == "lbfgs":
        fitting = (left - good) // (_STEP * pixels)
        history = min(max(fitting, _LEAST_HISTORY), history)
        config = replace(config, history_size=history)
        if left - _STEP * pixels * history < least:
            config, history = replace(config, optimizer="adam", learning_rate=_ADAM_STEP), 1
    band = left - _STEP * pixels * history
    return MemoryPlan(config, min(max(band, least), most))
