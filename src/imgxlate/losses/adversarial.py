"""Losses of discriminators and generators on the discriminators' scores."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from imgxlate.losses import GanLoss


def discriminator_loss(real: Tensor, fake: Tensor, kind: GanLoss) -> Tensor:
    """Discriminator loss: the mean over the scores of real images plus the mean over those of translated images.

    `lsgan`: least squares towards 1 and 0 (arXiv 1611.04076, Eq. 9, without its factors of one half); `nsgan`: cross
    entropy (arXiv 1406.2661, Eq. 1) of scores before the sigmoid; `hinge`: how far scores are below 1 and above -1
    (arXiv 1802.05957, Eq. 16). Scores may have any shape.
    """
    match kind:
        case "lsgan":
            return fake.square().mean() + (real - 1).square().mean()
        case "nsgan":
            return functional.softplus(fake).mean() + functional.softplus(-real).mean()
        case "hinge":
            return functional.relu(1 + fake).mean() + functional.relu(1 - real).mean()


def generator_loss(fake: Tensor, kind: GanLoss) -> Tensor:
    """Generator loss: the mean over all patch scores of translated images.

    `lsgan`: least squares towards 1; `nsgan`: minus the logarithm of the probability that the image is real, which does
    not saturate where the discriminator is sure (arXiv 1406.2661, Sec. 3); `hinge`: minus the score (arXiv 1802.05957,
    Eq. 17).
    """
    match kind:
        case "lsgan":
            return (fake - 1).square().mean()
        case "nsgan":
            return functional.softplus(-fake).mean()
        case "hinge":
            return -fake.mean()


def gradient_penalty(scores: Sequence[Tensor], images: Tensor) -> Tensor:
    """R1 gradient penalty (arXiv 1801.04406, Eq. 9) for discriminators that score patches.

    For each scale, it is half the squared norm of the gradient of the sum of all scores by the real `images`
    (B, C, H, W), divided by the number of scores. This is not the mean over the gradients of single scores, which would
    take a pass for each of them. `scores` has one tensor for each scale; the penalties of all scales are summed.
    `images` must require a gradient. The penalty is differentiable by the discriminator's weights.
    """
    penalties = []
    for scale in scores:
        (gradient,) = torch.autograd.grad(scale.sum(), images, create_graph=True)
        penalties.append(gradient.square().sum() / (2 * scale.numel()))
    return torch.stack(penalties).sum()
