"""Diversity: the perceptual distance between the outputs of one input.

The published measure is LPIPS (Zhang et al., arXiv 1801.03924), as in Table 1 of MUNIT. `vgg19-distance` is the same
formula over the bundled VGG-19, without learned weights. The two have different scales.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import torch
from torch import Tensor

from imgxlate.images.image_array import ImageArray
from imgxlate.metrics.measure import Measure
from imgxlate.metrics.views import SIZES, view

_EPSILON = 1e-8  # added to the squared length of a feature vector (torchmetrics 1.9, functional/image/lpips.py)


@dataclass(frozen=True, slots=True)
class PerceptualDistance:
    """Eq. 1 of LPIPS: sum over layers of the weighted squared difference of unit feature vectors, mean over positions.

    It is 0 for identical images.
    """

    name: str  # "lpips"; the measure's name
    title: str  # "LPIPS"
    how: str  # formula and feature network with its version
    network: Callable[[Tensor], Sequence[Tensor]]  # images (1, 3, H, W) in [-1, 1] to features (1, C, H', W') by layer
    weights: Sequence[Tensor]  # of the channels of each layer, (1, C, 1, 1), or (1, 1, 1, 1) if all are equal
    divisor: int  # of the sum over layers
    device: torch.device

    @torch.inference_mode()
    def features(self, image: ImageArray) -> list[Tensor]:
        """Features (1, C, H', W') of each layer, of length 1 along the channels."""
        return [_unit(features) for features in self.network(view(image).to(self.device))]

    @torch.inference_mode()
    def between(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
        """The distance between the features of two images of the same size."""
        layers = zip(first, second, self.weights, strict=True)
        errors = [((one - other).square() * weights).sum(dim=1).mean() for one, other, weights in layers]
        return float(torch.stack(errors).sum() / self.divisor)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which outputs of an input are compared with each other, and for how many inputs."""

    outputs: int  # of an input, each with a style drawn for it
    independent: bool = False  # each output belongs to one pair; False: all pairs of outputs
    inputs: int | None = None  # number of inputs that are measured, from the first; None: all

    def count(self) -> int:
        """The number of pairs of an input."""
        return self.outputs // 2 if self.independent else comb(self.outputs, 2)

    def describe(self, inputs: int) -> str:
        """Describes the pairs of `inputs` inputs: "100 inputs x 19 independent pairs = 1900 pairs"."""
        measured = min(inputs, self.inputs or inputs)
        kind = "independent pairs" if self.independent else f"pairs of {self.outputs} outputs"
        fewer = f" (the protocol needs {self.inputs} inputs)" if self.inputs and measured < self.inputs else ""
        return f"{measured} inputs x {self.count()} {kind} = {measured * self.count()} pairs{fewer}"


ALL_PAIRS = Pairs(outputs=4)
"""All pairs of the outputs of each input."""

MUNIT_PAIRS = Pairs(outputs=38, independent=True, inputs=100)
"""The protocol of MUNIT's Table 1 (arXiv 1804.04732, Sec. 5.2): 1,900 pairs, each with two styles of its own."""

PROTOCOLS = {"all": ALL_PAIRS, "munit": MUNIT_PAIRS}


def diversity(
    distance: PerceptualDistance, outputs: Iterable[ImageArray], *, independent: bool = False
) -> float | None:
    """The mean distance between `outputs` of one input, over all pairs or over independent ones; None without pairs.

    All `outputs` have the same size. They are read one by one.
    """
    features = map(distance.features, outputs)
    pairs = zip(features, features, strict=False) if independent else combinations(features, 2)
    distances = [distance.between(*pair) for pair in pairs]
    return sum(distances) / len(distances) if distances else None


def diversity_measure(distance: PerceptualDistance, pairs: Pairs, inputs: int) -> Measure:
    """Describes the mean of `diversity` over `inputs` inputs."""
    return Measure(
        name=distance.name,
        title=f"Diversity ({distance.title})",
        how="Mean distance between outputs of one input whose styles are drawn independently: "
        f"{pairs.describe(inputs)}. {distance.how}. {SIZES} A method without styles has 0.",
        better="higher",
    )


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True) + _EPSILON).sqrt()
