"""Diversity: how far apart the outputs of one input are, in the eyes of a network.

The published measure is LPIPS (Zhang et al., arXiv 1801.03924), with which MUNIT's Table 1 was made. `vgg19-distance`
is its Eq. 1 over the bundled VGG-19, with no learned weights; the two are not to be compared with each other.
"""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from imgxlate.evaluate.comparison import Measure
from imgxlate.evaluate.views import SIZES, Image, on, size_of
from imgxlate.images.sizes import Size
from imgxlate.nn.vgg import Vgg

LAST_OF_BLOCKS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")
"""VGG-19's counterparts of the layers that LPIPS takes of VGG-16."""

_SMALLEST_SQUARE = 1e-8  # ... of a feature vector's length, as LPIPS has it
_REMEMBERED = 16  # pictures whose features are held at a time: 30 MB each for VGG-19


class PerceptualDistance(Protocol):
    """A distance between two pictures, in two steps, because each picture takes part in many pairs."""

    @property
    def name(self) -> str:
        """The measure's name: "lpips"."""

    @property
    def title(self) -> str:
        """The measure's name for people: "LPIPS"."""

    @property
    def how(self) -> str:
        """The formula, with the trunk and its version."""

    def look(self, image: Image, size: Size) -> Sequence[Tensor]:
        """What is compared of `image`, resized to `size` first."""

    def between(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
        """The distance of what `look` made of two pictures: 0.0 if they are identical."""


@dataclass(frozen=True, slots=True)
class Lpips:
    """LPIPS v0.1 over AlexNet; `network` gives the distance of two batches in [-1, 1], on `device`."""

    network: nn.Module
    device: torch.device
    name: str = "lpips"
    title: str = "LPIPS"
    how: str = (
        "LPIPS v0.1 (Zhang et al., arXiv 1801.03924) as torchmetrics computes it, over torchvision's "
        "AlexNet (alexnet-owt-7be5be79), on pixels in [-1, 1]"
    )

    def look(self, image: Image, size: Size) -> Sequence[Tensor]:
        """The picture itself (1, 3, H, W): the network takes both at once."""
        return (on(self.device, image, size),)

    @torch.inference_mode()
    def between(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
        """The distance of two pictures."""
        return float(self.network(first[0], second[0]))


@dataclass(frozen=True, slots=True)
class VggDistance:
    """LPIPS' Eq. 1 with weights of 1 over a VGG network, halved and averaged over layers.

    Half the squared distance of unit vectors is 1 - cosine: what is averaged over positions and layers is how far the
    directions of features differ, from 0 for identical pictures to 1 where no channel sees something in both.
    """

    network: Vgg
    layers: tuple[str, ...] = LAST_OF_BLOCKS
    name: str = "vgg19-distance"
    title: str = "VGG-19 distance"
    how: str = (
        "Eq. 1 of LPIPS (arXiv 1801.03924) with all weights 1, over the bundled VGG-19 (8 bits a weight): 1 - cosine "
        f"of the features, averaged over positions and over {', '.join(LAST_OF_BLOCKS)}. It is not LPIPS, and not to "
        "be compared with it"
    )

    @torch.inference_mode()
    def look(self, image: Image, size: Size) -> Sequence[Tensor]:
        """Features (1, C, H', W') of length 1 along the channels, a layer each."""
        features = self.network(on(self.network.mean.device, image, size), self.layers)
        return tuple(unit(features[layer]) for layer in self.layers)

    @torch.inference_mode()
    def between(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
        """The distance of two pictures' features."""
        errors = [(one - other).square().sum(dim=1).mean() for one, other in zip(first, second, strict=True)]
        return float(torch.stack(errors).mean() / 2)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which outputs of an input are compared with each other, and of how many inputs."""

    inputs: int | None = None  # the first so many; None: all
    each: int | None = None  # pairs of an input, each of two outputs of its own; None: all pairs of its outputs

    @property
    def outputs(self) -> int | None:
        """How many outputs of an input, with styles drawn independently, it takes; None: any number."""
        return None if self.each is None else 2 * self.each

    def of(self, outputs: int) -> Sequence[tuple[int, int]]:
        """The pairs of an input that has so many `outputs`, as indices.

        Raises:
            ValueError: these are fewer than `self.outputs`.
        """
        if self.each is None:
            return tuple(itertools.combinations(range(outputs), 2))
        if outputs < 2 * self.each:
            raise ValueError(f"{self.each} independent pairs take {2 * self.each} outputs, not {outputs}")
        return tuple((2 * pair, 2 * pair + 1) for pair in range(self.each))

    def describe(self, inputs: int, outputs: int) -> str:
        """What is compared of so many inputs with so many outputs each: "100 inputs x 19 independent pairs = ..."."""
        counted = inputs if self.inputs is None else min(inputs, self.inputs)
        each = len(self.of(outputs))
        which = f"pairs of {outputs} outputs" if self.each is None else "independent pairs"
        fewer = f" (the protocol asks for {self.inputs} inputs)" if self.inputs and counted < self.inputs else ""
        return f"{counted} inputs x {each} {which} = {counted * each} pairs{fewer}"


ALL_PAIRS = Pairs()
"""Every output of every input against every other."""

MUNIT_PAIRS = Pairs(inputs=100, each=19)
"""The protocol of MUNIT's Table 1 (arXiv 1804.04732, Sec. 5.2): 1,900 pairs, each of two independent styles."""

PROTOCOLS = {"all": ALL_PAIRS, "munit": MUNIT_PAIRS}
"""By the name that people type."""


def unit(features: Tensor) -> Tensor:
    """`features` (B, C, H, W), scaled to length 1 along the channels at every position."""
    return features / (features.square().sum(dim=1, keepdim=True) + _SMALLEST_SQUARE).sqrt()


def diversity(distance: PerceptualDistance, outputs: Sequence[Image], pairs: Pairs = ALL_PAIRS) -> float | None:
    """The mean distance between `outputs` of one input under independently drawn styles, over its `pairs`.

    The mean of this over inputs is the method's diversity. Outputs of other sizes are resized to the first's. None for
    fewer than two outputs. A method without styles makes the same picture again: given it twice, this is 0.0.

    Raises:
        ValueError: there are two outputs or more, and fewer than the pairs take.
    """
    if len(outputs) < 2:
        return None
    look = functools.lru_cache(_REMEMBERED)(lambda index: distance.look(outputs[index], size_of(outputs[0])))
    distances = [distance.between(look(one), look(other)) for one, other in pairs.of(len(outputs))]
    return sum(distances) / len(distances)


def diversity_measure(distance: PerceptualDistance, pairs: Pairs, inputs: int, outputs: int) -> Measure:
    """What `diversity` finds over `inputs` inputs with `outputs` outputs each; `pairs` says which are compared."""
    return Measure(
        name=distance.name,
        title=f"Diversity ({distance.title})",
        how="Mean distance between outputs of one input under independently drawn styles: "
        f"{pairs.describe(inputs, outputs)}. {distance.how}. {SIZES} A method without styles has 0.",
        better="higher",
    )
