"""Guided Gram matrices: each region of an image in its own style (Gatys et al., arXiv 1611.07865, section 3.1).

A guidance channel T says how much each position of a layer belongs to a region. The guided Gram matrix is that of the
features times T, where the squares of T have the sum 1. So it is an average over the region, whatever its size.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from imgxlate.images.masks import divide
from imgxlate.losses.style import gram_gradient, gram_sum, guided_gram_gradient, guided_gram_sum
from imgxlate.methods.protocol import StyledRegion
from imgxlate.nn.precision import at_least_float32
from imgxlate.nn.vgg import Vgg
from imgxlate.nn.vgg_bands import Features

_LEAST = 1.0  # positions of a layer, in sum of squares: a smaller region has no Gram matrix to speak of


@dataclass(frozen=True, slots=True)
class Guide:
    """A region at a layer, or all of the layer."""

    key: str  # of its Gram matrix among those of all layers and regions
    channel: Tensor | None = None  # guidance channel (1, 1, H, W) of the layer; None: all positions count

    def gram_sum(self, features: Features) -> Tensor:
        """The Gram matrix (C, C), guided or not, summed over the positions of `features`."""
        if self.channel is None:
            return gram_sum(features.values)
        return guided_gram_sum(features.values, features.cut(self.channel))

    def gram_gradient(self, features: Features, by_gram: Tensor) -> Tensor:
        """The gradient by `features`, from that by `gram_sum`."""
        if self.channel is None:
            return gram_gradient(features.values, by_gram)
        return guided_gram_gradient(features.values, features.cut(self.channel), by_gram)

    def square_sum(self, features: Features) -> Tensor:
        """The squares of the features, guided or not, summed over channels and positions."""
        values = at_least_float32(features.values)
        return (values if self.channel is None else values * features.cut(self.channel)).square().sum()

    def positions(self, features: Features, before: int) -> int:
        """The divisor of the Gram matrix, from that of the positions before `features`; 1 for guided ones."""
        return before + features.positions if self.channel is None else 1


@dataclass(frozen=True, slots=True)
class StylePart:
    """A part of the image that has a style of its own: a region, or all of the image."""

    styles: Sequence[Tensor]  # images (1, 3, H, W) in [-1, 1], each of another size
    style_weights: Sequence[float]  # with the sum 1
    name: str = ""  # such as "region 1"; empty: all of the image
    mask: Tensor | None = None  # (1, 1, H, W) from 0 to 1, of the image's size; None: everywhere
    style_mask: Tensor | None = None  # of the only style image; None: all of it

    @classmethod
    def of_region(cls, number: int, region: StyledRegion, mask: Tensor) -> Self:
        """The part of a region, by its number from 1 and its share of each pixel."""
        return cls([region.style], [1.0], f"region {number}", mask, region.style_mask)

    @property
    def share(self) -> float:
        """The weight of its style loss: its share of the area of the image.

        So style and content weigh the same at each pixel as in an image with one style. The paper leaves the weights
        of regions free.
        """
        return 1.0 if self.mask is None else self.mask.mean().item()


def style_parts(
    styles: Sequence[Tensor], style_weights: Sequence[float], regions: Sequence[StyledRegion]
) -> list[StylePart]:
    """The parts of an image. With regions, `styles` are those of the rest; without `styles`, the rest has no part.

    Where regions overlap, they share the pixels.
    """
    if not regions:
        return [StylePart(styles, style_weights)]
    shares, rest = divide([region.mask for region in regions])
    parts = [
        StylePart.of_region(number, region, share)
        for number, (region, share) in enumerate(zip(regions, shares, strict=True), start=1)
    ]
    if styles and rest is not None:
        parts.append(StylePart(styles, style_weights, "the rest", rest))
    return parts


@dataclass(frozen=True, slots=True)
class Guidance:
    """The guides of a mask at layers of the network, and the layers that it is too small for."""

    guides: Mapping[str, Guide]  # by layer
    too_small: Sequence[str] = ()

    @classmethod
    def of(cls, network: Vgg, mask: Tensor | None, layers: Collection[str], name: str = "") -> Self:
        """The guidance of a mask (1, 1, H, W) from 0 to 1 at each of `layers`; None: the whole image.

        A position of a layer belongs to a region as much as the square of pixels does that poolings made it of: the
        authors' variant `simple`.
        """
        if mask is None:
            return cls({layer: Guide(layer) for layer in layers})
        guides, too_small = dict[str, Guide](), list[str]()
        for layer in layers:
            channel = avg_pool2d(mask, network.stride(layer))
            squares = channel.square().sum().item()
            if squares < _LEAST:
                too_small.append(layer)
            else:
                guides[layer] = Guide(f"{layer}, {name}", channel / squares**0.5)
        return cls(guides, too_small)


def resize_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """A mask (1, 1, H, W) from 0 to 1 at another size, with soft edges."""
    return interpolate(mask, size, mode="bilinear", antialias=True).clamp(0, 1)
