"""What discriminators and generators want of each other."""

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
