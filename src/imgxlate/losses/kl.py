"""How far distributions of codes are from the one they are to have."""

from torch import Tensor


def divergence_from_standard(mean: Tensor) -> Tensor:
    """KL divergence of N(mean, I) from N(0, I), for each element of `mean`, averaged over all and doubled.

    The divergence (UNIT, arXiv 1703.00848, Eq. 3) is half the square of the mean; the authors' code leaves the half to
    the weight (mingyuliutw/UNIT, trainer.py).
    """
    return mean.square().mean()
