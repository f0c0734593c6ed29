"""What discriminators and generators want of each other."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from imgxlate.losses.kinds import Gan


def discriminator_loss(real: Tensor, fake: Tensor, kind: Gan) -> Tensor:
    """How badly scores of any shape tell real pictures from made ones, averaged over each.

    `lsgan`: least squares towards 1 and 0 (arXiv 1611.04076, Eq. 9, without its factors of one half); `nsgan`: cross
    entropy (arXiv 1406.2661, Eq. 1) of scores before the sigmoid.
    """
    if kind == "lsgan":
        return fake.square().mean() + (real - 1).square().mean()
    return functional.softplus(fake).mean() + functional.softplus(-real).mean()


def generator_loss(fake: Tensor, kind: Gan) -> Tensor:
    """How badly scores of made pictures, of any shape, pass for those of real ones, averaged.

    `lsgan`: least squares towards 1; `nsgan`: minus the logarithm of the probability that they are real, which does not
    saturate where the discriminator is sure (arXiv 1406.2661, Sec. 3).
    """
    if kind == "lsgan":
        return (fake - 1).square().mean()
    return functional.softplus(-fake).mean()


def gradient_penalty(scores: Sequence[Tensor], pictures: Tensor) -> Tensor:
    """How steeply scores change with the real pictures (B, 3, H, W) that they were computed from.

    R1 (arXiv 1801.04406, Eq. 9) for discriminators that score patches: the squared norm of the gradient of the sum of
    all scores, divided by their number; one of `scores` for each scale, whose penalties add up. `pictures` must require
    a gradient, and the penalty has one by the discriminator's weights.
    """
    penalties = []
    for scale in scores:
        (gradient,) = torch.autograd.grad(scale.sum(), pictures, create_graph=True)
        penalties.append(gradient.square().sum() / (2 * scale.numel()))
    return torch.stack(penalties).sum()
