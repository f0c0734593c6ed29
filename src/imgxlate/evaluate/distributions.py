"""How like the real pictures of a domain a set of made ones is: distances between two sets of features.

Over InceptionV3's features these are FID (Heusel et al., arXiv 1706.08500) and KID (Binkowski et al., arXiv
1801.01401). Over the bundled VGG-19 they are `fd-vgg19` and `kd-vgg19`, on a scale of their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from imgxlate.evaluate.comparison import Measure
from imgxlate.evaluate.views import Image, as_tensor
from imgxlate.images.tensors import from_tensor, resize
from imgxlate.nn.vgg import Vgg
from imgxlate.vision import torchvision

VGG_LAYER = "relu5_4"
"""The deepest features, as FID takes InceptionV3's: what is in a picture more than where."""

_VGG_SIDE = 224  # pixels; VGG-19 was trained on 224 x 224
_VGG_CHANNELS = 512
_INCEPTION_CHANNELS = 2048
_SUBSETS = 100
_LARGEST_SUBSET = 1000

_TWO = " It takes two pictures of each."


class SetFeatures(Protocol):
    """Turns each picture of a set into a vector."""

    @property
    def frechet_name(self) -> str:
        """The name of the Fréchet distance over these features: "fid"."""

    @property
    def kernel_name(self) -> str:
        """... and of the kernel distance: "kid"."""

    @property
    def how(self) -> str:
        """The trunk, its version, its layer and the size that pictures are resized to."""

    @property
    def channels(self) -> int:
        """The length of a vector."""

    def __call__(self, images: Iterable[Image]) -> Tensor:
        """The vectors (N, channels) of `images`, one at a time, in float64 on the CPU."""


@dataclass(frozen=True, slots=True)
class InceptionFeatures:
    """FID's own trunk; `network` turns (1, 3, H, W) in grey levels, uint8, on `device` into (1, 2048)."""

    network: nn.Module
    device: torch.device
    frechet_name: str = "fid"
    kernel_name: str = "kid"
    channels: int = _INCEPTION_CHANNELS
    how: str = (
        "InceptionV3 as TensorFlow published it for FID (weights-inception-2015-12-05-6726825d, pool3), as "
        "torch-fidelity computes it; pictures are resized to 299 x 299, antialiased"
    )

    def __call__(self, images: Iterable[Image]) -> Tensor:
        """The vectors (N, 2048) of `images`."""
        return _stacked((self._features(image) for image in images), self.channels)

    @torch.inference_mode()
    def _features(self, image: Image) -> Tensor:
        grey_levels = torch.from_numpy(from_tensor(as_tensor(image))).permute(2, 0, 1)[None]  # (1, 3, H, W)
        features: Tensor = self.network(grey_levels.to(self.device))
        return features


@dataclass(frozen=True, slots=True)
class VggFeatures:
    """The bundled VGG-19's deepest features, averaged over positions."""

    network: Vgg
    frechet_name: str = "fd-vgg19"
    kernel_name: str = "kd-vgg19"
    channels: int = _VGG_CHANNELS
    how: str = (
        f"The bundled VGG-19 (8 bits a weight), {VGG_LAYER} averaged over positions; pictures are resized to "
        f"{_VGG_SIDE} x {_VGG_SIDE}, antialiased. It is neither FID nor KID, and not to be compared with them"
    )

    def __call__(self, images: Iterable[Image]) -> Tensor:
        """The vectors (N, 512) of `images`."""
        return _stacked((self._features(image) for image in images), self.channels)

    @torch.inference_mode()
    def _features(self, image: Image) -> Tensor:
        picture = resize(as_tensor(image), (_VGG_SIDE, _VGG_SIDE)).to(self.network.mean.device)
        features: Tensor = self.network(picture, (VGG_LAYER,))[VGG_LAYER]  # (1, 512, 14, 14)
        return features.mean(dim=(2, 3))


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """The mean over random subsets, and how far these spread."""

    mean: float
    deviation: float  # standard deviation


def frechet_distance(made: Tensor, real: Tensor) -> float | None:
    """The squared Fréchet distance between the Gaussians with the means and covariances of two sets (N, D) and (M, D).

    |m - m'|^2 + Tr(C + C' - 2 (C C')^(1/2)) (arXiv 1706.08500, Eq. 6). None where a set has fewer than two pictures,
    for then it has no covariance. With D or fewer the covariance is singular; the distance is right all the same.
    """
    if min(len(made), len(real)) < 2:
        return None
    (mean, spread), (other_mean, other_spread) = _moments(made), _moments(real)
    # With C = X^T X and C' = Y^T Y, Tr (C C')^(1/2) is the sum of the singular values of X Y^T: no square root is taken
    # of a matrix that may be singular, where rounding would make identical sets differ.
    shared = torch.linalg.svdvals(spread @ other_spread.T).sum()
    own = spread.square().sum() + other_spread.square().sum()
    return max(0.0, float((mean - other_mean).square().sum() + own - 2 * shared))


def kernel_distance(made: Tensor, real: Tensor, seed: int = 0) -> KernelDistance | None:
    """The squared maximum mean discrepancy of two sets (N, D) and (M, D) under the kernel (x . y / D + 1)^3.

    Unbiased (arXiv 1801.01401), averaged over 100 random subsets that `seed` draws; it can be below 0.
    None where a set has fewer than two pictures.
    """
    size = subset_size(len(made), len(real))
    if min(len(made), len(real)) < 2:
        return None
    torchvision()  # It must be imported through its door before torchmetrics imports it.
    from torchmetrics.image.kid import poly_mmd

    generator = torch.Generator().manual_seed(seed)
    values = torch.stack(
        [poly_mmd(_drawn(real, size, generator), _drawn(made, size, generator)) for _ in range(_SUBSETS)]
    )
    return KernelDistance(float(values.mean()), float(values.std(unbiased=False)))


def subset_size(made: int, real: int) -> int:
    """How many pictures of each set make a subset: half of the smaller set, so that subsets differ, from 2 to 1,000."""
    return min(max(2, min(made, real) // 2), _LARGEST_SUBSET)


def distribution_measures(features: SetFeatures, made: int, real: int) -> tuple[Measure, Measure, Measure]:
    """What the two distances find between `made` and `real` pictures: the Fréchet, the kernel and its deviation."""
    counts = f"{made} made pictures against {real} real ones."
    frechet = Measure(
        name=features.frechet_name,
        title=_title(features.frechet_name),
        how=f"Squared Fréchet distance of Gaussians (arXiv 1706.08500, Eq. 6); {counts} {features.how}."
        f"{_caution(features, made, real)}",
        better="lower",
    )
    size = subset_size(made, real)
    kernel_how = (
        f"Unbiased squared maximum mean discrepancy under the kernel (x . y / {features.channels} + 1)^3 (arXiv "
        f"1801.01401) over {_SUBSETS} random subsets of {size} pictures of each set; {counts} {features.how}."
        f"{_TWO if min(made, real) < 2 else ''}"
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
    values = features.double()
    mean = values.mean(dim=0)
    centred = (values - mean) / (len(values) - 1) ** 0.5
    if len(values) > values.shape[1]:
        centred = torch.linalg.qr(centred, mode="r").R
    return mean, centred


def _drawn(features: Tensor, size: int, generator: torch.Generator) -> Tensor:
    return features[torch.randperm(len(features), generator=generator)[:size]].double()


def _stacked(vectors: Iterable[Tensor], channels: int) -> Tensor:
    return torch.cat([torch.empty(0, channels, dtype=torch.float64), *(vector.cpu().double() for vector in vectors)])


def _title(name: str) -> str:
    return name.upper().replace("VGG19", "VGG-19")


def _caution(features: SetFeatures, made: int, real: int) -> str:
    if min(made, real) < 2:
        return _TWO
    if min(made, real) > features.channels:
        return ""
    return (
        f" With {features.channels} pictures or fewer in a set its covariance is singular and the distance comes out "
        "too large: compare only numbers of equally many pictures."
    )
