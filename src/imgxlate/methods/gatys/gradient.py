"""The loss of neural style and its gradient by the image: of the whole image at once, or in bands of rows.

In bands, a first pass over the image adds up the sums that the loss depends on. The gradient by these sums is that of
the whole image, and a second pass continues it to the image. The passes take about half as much time again.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from imgxlate.images.sizes import bands
from imgxlate.memory import release_freed_memory
from imgxlate.methods.gatys.objective import Losses, Objective, Sums
from imgxlate.nn.vgg_bands import BandedFeatures

_COPIES = 12  # memory of a band of the image for its total variation and excess, in units of the band


def evaluate(objective: Objective, image: Tensor, band_memory: int | None = None) -> tuple[Losses, Tensor]:
    """The loss of an image (1, 3, H, W) in [-1, 1], and its gradient by the image.

    It is computed at once, or in bands that take about `band_memory` bytes each.
    """
    if band_memory is not None:
        return _evaluate_in_bands(objective, image.detach(), band_memory)
    image = image.detach().requires_grad_()
    losses = objective(image)
    [gradient] = torch.autograd.grad(losses.total, image)
    return losses, gradient


def _evaluate_in_bands(objective: Objective, image: Tensor, memory: int) -> tuple[Losses, Tensor]:
    release_freed_memory()  # The blocks of the optimizer and those of bands differ in size, which leaves gaps.
    features = BandedFeatures(objective.network, image, objective.layers, memory)
    content, grams, positions = objective.feature_sums(features.compute())
    variation, excess = _image_sums(objective, image, memory)
    sums = [*content.values(), *grams.values(), variation, excess]
    for each in sums:
        each.requires_grad_()
    losses = objective.losses(Sums(content, grams, positions, variation, excess))
    *by_features, by_variation, by_excess = torch.autograd.grad(losses.total, sums)
    by_content = dict(zip(content, by_features, strict=False))
    by_grams = dict(zip(grams, by_features[len(content) :], strict=True))
    gradient = features.gradient(partial(objective.feature_gradient, by_content=by_content, by_grams=by_grams))
    _add_image_gradient(gradient, objective, image, by_variation, by_excess, memory)
    release_freed_memory()
    return losses, gradient


def _image_sums(objective: Objective, image: Tensor, memory: int) -> tuple[Tensor, Tensor]:
    """Total variation and excess of the image."""
    parts = [objective.image_sums(image[:, :, with_next], rows) for with_next, rows in _bands(image, memory)]
    variation, excess = (torch.stack(column).sum() for column in zip(*parts, strict=True))
    return variation, excess


def _add_image_gradient(
    gradient: Tensor, objective: Objective, image: Tensor, by_variation: Tensor, by_excess: Tensor, memory: int
) -> None:
    """Add the gradient of total variation and excess."""
    for with_next, rows in _bands(image, memory):
        part = image[:, :, with_next].detach().requires_grad_()
        variation, excess = objective.image_sums(part, rows)
        [by_part] = torch.autograd.grad(by_variation * variation + by_excess * excess, part)
        gradient[:, :, with_next] += by_part


def _bands(image: Tensor, memory: int) -> Iterator[tuple[slice, int]]:
    """Each band with the row after it, and the number of its own rows."""
    pixels = memory // (_COPIES * image[0, :, 0, 0].nbytes)
    for rows in bands((image.shape[2], image.shape[3]), pixels):
        yield slice(rows.start, rows.stop + 1), rows.stop - rows.start
