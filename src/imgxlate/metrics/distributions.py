"""Realism of a set of images: distances between its features and those of real images of the target domain.

Over InceptionV3's features these are FID (Heusel et al., arXiv 1706.08500) and KID (Binkowski et al., arXiv
1801.01401); over those of the bundled VGG-19 they are `fd-vgg19` and `kd-vgg19`, on scales of their own.

torchmetrics has both behind its public classes, but for few images its FID is wrong by rounding, and its KID draws
from torch's global generator.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from imgxlate.images.image_array import ImageArray
from imgxlate.metrics.measure import Measure

_SUBSETS = 100
_LARGEST_SUBSET = 1000
_DEGREE = 3


@dataclass(frozen=True, slots=True)
class SetFeatures:
    """A feature network that gives a vector for each image of a set."""

    frechet_name: str  # "fid"
    kernel_name: str  # "kid"
    how: str  # the network and its version, the layer, the size of images
    channels: int  # the length of a vector
    network: Callable[[ImageArray], Tensor]  # gives (1, channels)

    @torch.inference_mode()
    def __call__(self, images: Iterable[ImageArray]) -> Tensor:
        """The vectors (N, channels) of `images`, computed one by one, as float64 on the CPU."""
        vectors = [self.network(image).cpu().double() for image in images]
        return torch.cat([torch.empty(0, self.channels, dtype=torch.float64), *vectors])


def frechet_distance(generated: Tensor, real: Tensor) -> float | None:
    """The squared Fréchet distance between Gaussians fitted to two sets (N, D) and (M, D) in float64.

    |m - m'|^2 + Tr(C + C' - 2 (C C')^(1/2)) (arXiv 1706.08500, Eq. 6). None if a set has fewer than two images, and
    thus no covariance. With D or fewer images the covariance is singular, and this is still the exact value.
    """
    if min(len(generated), len(real)) < 2:
        return None
    (mean, root), (other_mean, other_root) = _moments(generated), _moments(real)
    # With C = X^T X and C' = Y^T Y, Tr (C C')^(1/2) is the sum of the singular values of X Y^T. Unlike the root of
    # C C' itself, it can be computed without rounding errors if C or C' is singular.
    shared = torch.linalg.svdvals(root @ other_root.T).sum()
    own = root.square().sum() + other_root.square().sum()
    return max(0.0, float((mean - other_mean).square().sum() + own - 2 * shared))


def kernel_distance(generated: Tensor, real: Tensor, seed: int = 0) -> tuple[float, float] | None:
    """Mean and standard deviation of `squared_mmd` over 100 random subsets of two sets (N, D) and (M, D) in float64.

    `seed` draws the subsets. The mean can be negative. None if a set has fewer than two images.
    """
    if min(len(generated), len(real)) < 2:
        return None
    size = subset_size(len(generated), len(real))
    generator = torch.Generator().manual_seed(seed)
    values = torch.stack(
        [squared_mmd(_subset(real, size, generator), _subset(generated, size, generator)) for _ in range(_SUBSETS)]
    )
    return float(values.mean()), float(values.std(unbiased=False))


def squared_mmd(first: Tensor, second: Tensor) -> Tensor:
    """The unbiased squared maximum mean discrepancy of two sets (N, D) under the kernel (x . y / D + 1)^3.

    arXiv 1801.01401, Eq. 4 for sets of equal size, with the kernel of its Sec. 4.
    """
    count = len(first)
    within = _sum_of_pairs(_kernel(first, first)) + _sum_of_pairs(_kernel(second, second))
    between = _kernel(first, second).sum(dim=0).sum()
    return within / (count * (count - 1)) - 2 * between / count**2


def subset_size(generated: int, real: int) -> int:
    """How many images of each set a subset has: half of the smaller set, from 2 to 1,000."""
    return min(max(2, min(generated, real) // 2), _LARGEST_SUBSET)


def distribution_measures(features: SetFeatures, generated: int, real: int) -> tuple[Measure, Measure, Measure]:
    """The Fréchet distance, the kernel distance and its deviation, for `generated` images and `real` ones."""
    counts = f"{generated} images of a method against {real} real ones."
    too_few = " It needs two images of each." if min(generated, real) < 2 else ""
    frechet = Measure(
        name=features.frechet_name,
        title=_title(features.frechet_name),
        how=f"Squared Fréchet distance of Gaussians (arXiv 1706.08500, Eq. 6); {counts} {features.how}."
        f"{too_few or _caution(features.channels, min(generated, real))}",
        better="lower",
    )
    kernel_how = (
        f"Unbiased squared maximum mean discrepancy under the kernel (x . y / {features.channels} + 1)^3 (arXiv "
        f"1801.01401) over {_SUBSETS} random subsets of {subset_size(generated, real)} images of each set; {counts} "
        f"{features.how}.{too_few}"
    )
    kernel = Measure(features.kernel_name, _title(features.kernel_name), f"Mean: {kernel_how}", better="lower")
    deviation = Measure(
        f"{features.kernel_name}-deviation",
        f"Deviation of {_title(features.kernel_name)}",
        f"Standard deviation over the subsets: {kernel_how}",
        better=None,
    )
    return frechet, kernel, deviation


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (D) and a root X (at most D, D) of the covariance X^T X of `features` (N, D)."""
    mean = features.mean(dim=0)
    centered = (features - mean) / (len(features) - 1) ** 0.5
    if len(features) > features.shape[1]:
        centered = torch.linalg.qr(centered, mode="r").R
    return mean, centered


def _subset(features: Tensor, size: int, generator: torch.Generator) -> Tensor:
    return features[torch.randperm(len(features), generator=generator)[:size]]


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    return (first @ second.T / first.shape[1] + 1) ** _DEGREE


def _sum_of_pairs(kernel: Tensor) -> Tensor:
    """The sum over all pairs of different images."""
    return (kernel.sum(dim=1) - kernel.diagonal()).sum()


def _title(name: str) -> str:
    return name.upper().replace("VGG19", "VGG-19")


def _caution(channels: int, smaller: int) -> str:
    if smaller > channels:
        return ""
    return (
        f" With {channels} images or fewer in a set its covariance is singular and the distance is too large: compare "
        "it only with distances of equally many images."
    )
