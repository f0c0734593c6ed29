"""The loss of neural style (Gatys et al., arXiv 1508.06576, Eq. 7), in two steps.

`sums` reduces an image to the sums that the loss depends on: squared errors of content features, Gram matrices, total
variation. `losses` compares them with the targets. `imgxlate.methods.gatys.gradient` adds the gradient.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imgxlate.losses.style import (
    excess,
    mix,
    squared_error_gradient,
    squared_error_sum,
    total_variation,
)
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.guidance import Guidance, Guide, StylePart, style_parts
from imgxlate.methods.protocol import StyledRegion
from imgxlate.nn.precision import at_least_float32
from imgxlate.nn.vgg import Vgg
from imgxlate.nn.vgg_bands import Features, compute

_LEAST_SQUARE = 1e-6  # the least divisor: an image of one color may activate no feature


@dataclass(slots=True)
class Sums:
    """The sums that the loss depends on, over an image."""

    content: dict[str, Tensor]  # by layer: sum of the squared differences of features, ()
    grams: dict[str, Tensor]  # by layer, or by layer and region: sum over positions of features times features, (C, C)
    positions: dict[str, int]  # by key of `grams`: the number of positions; 1 for a region
    variation: Tensor  # ()
    excess: Tensor  # ()


@dataclass(frozen=True, slots=True)
class Losses:
    """The parts of the loss, each weighted."""

    content: Mapping[str, Tensor]  # by layer
    style: Mapping[str, Tensor]  # by layer, or by layer and region
    variation: Tensor
    excess: Tensor
    temporal: Tensor | None = None  # of a film's frame that follows another

    @property
    def total(self) -> Tensor:
        """The loss that is minimized."""
        temporal = () if self.temporal is None else (self.temporal,)
        return sum((*self.content.values(), *self.style.values(), *temporal), start=self.variation + self.excess)

    def summary(self) -> dict[str, float]:
        """The total and its parts, as numbers."""
        content, style = (
            torch.stack([*part.values(), torch.zeros_like(self.variation)]).sum() for part in (self.content, self.style)
        )
        parts = {"total": self.total, "content": content, "style": style, "variation": self.variation}
        parts["range"] = self.excess
        if self.temporal is not None:
            parts["temporal"] = self.temporal
        return dict(zip(parts, torch.stack([*parts.values()]).tolist(), strict=True))


class Objective:
    """The distance of an image from the content of one image and the style of others.

    Images are (1, 3, H, W) in [-1, 1]; the evaluated image has the content image's size. `style_weights`, one for
    each of `styles`, have the sum 1. With `regions`, the styles are those of the rest of the image. The features of
    content and styles are computed whole, or in bands that take about `band_memory` bytes each.
    """

    def __init__(
        self,
        config: GatysConfig,
        network: Vgg,
        content: Tensor,
        styles: Sequence[Tensor],
        style_weights: Sequence[float],
        band_memory: int | None = None,
        regions: Sequence[StyledRegion] = (),
    ) -> None:
        self.config = config
        self.network = network
        self._elements = content.numel()
        self._content_layers = config.content_layers if config.content_weight else ()
        self._style_layers = config.style_layers if config.style_weight else ()
        with torch.no_grad():
            self._content = _join(compute(network, content, self._content_layers, band_memory))
            self._style = dict[str, Tensor]()  # the Gram matrices to match, by key
            self._layer_weights = dict[str, float]()  # by key
            self._guides: dict[str, list[Guide]] = {layer: [] for layer in self._style_layers}
            self.too_small = dict[str, Sequence[str]]()  # by name of a region: the layers that it is too small for
            for part in style_parts(styles, style_weights, regions):
                self._add_style(part, band_memory)
        self.layers = {*self._content, *(layer for layer, guides in self._guides.items() if guides)}
        self._content_weights = {
            name: config.content_weight / self._divisor(_mean_square(maps)) for name, maps in self._content.items()
        }

    def __call__(self, image: Tensor) -> Losses:
        """The loss of a whole image."""
        return self.losses(self.sums(image))

    def sums(self, image: Tensor) -> Sums:
        """Reduce `image` to the sums that its loss depends on."""
        features = compute(self.network, image, self.layers, None)
        return Sums(*self.feature_sums(features), *self.image_sums(image))

    def feature_sums(self, features: Iterable[Features]) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, int]]:
        """The sums over features of an image, which may come in parts: those of `Sums`."""
        content, grams, positions = dict[str, Tensor](), dict[str, Tensor](), dict[str, int]()
        for part in features:
            name = part.layer
            if name in self._content:
                content[name] = content.get(name, 0) + squared_error_sum(part.values, part.cut(self._content[name]))
            for guide in self._guides.get(name, ()):
                grams[guide.key] = grams.get(guide.key, 0) + guide.gram_sum(part)
                positions[guide.key] = guide.positions(part, positions.get(guide.key, 0))
        return content, grams, positions

    def feature_gradient(
        self, features: Features, by_content: Mapping[str, Tensor], by_grams: Mapping[str, Tensor]
    ) -> Tensor:
        """The gradient of the loss by `features`, from those by the sums over the features of all parts."""
        name, values = features.layer, features.values
        gradients = []
        if name in by_content:
            gradients.append(squared_error_gradient(values, features.cut(self._content[name]), by_content[name]))
        for guide in self._guides.get(name, ()):
            gradients.append(guide.gram_gradient(features, by_grams[guide.key]))
        return sum(gradients[1:], start=gradients[0])

    def image_sums(self, image: Tensor, rows: int | None = None) -> tuple[Tensor, Tensor]:
        """Total variation and excess of the first `rows` of an image; None: of all.

        The variation between these rows and the next one counts.
        """
        return self._variation(image, rows), excess(image[:, :, :rows])

    def losses(self, sums: Sums) -> Losses:
        """The loss of the image that has these `sums`."""
        content = {name: self._content_loss(name, sums.content[name]) for name in self._content}
        style = {key: self._style_loss(key, sums.grams[key], sums.positions[key]) for key in self._style}
        variation = self.config.tv_weight * sums.variation
        return Losses(content, style, variation, self._range_loss(sums.excess))

    def _content_loss(self, layer: str, error: Tensor) -> Tensor:
        scaled = error / 2 if self.config.content_error == "half-sum" else error / self._content[layer].numel()
        return self._content_weights[layer] * scaled

    def _style_loss(self, key: str, gram: Tensor, positions: int) -> Tensor:
        error = squared_error_sum(self._scale(gram, positions), self._style[key])
        scaled = error / 4 if self.config.style_error == "quarter-sum" else error / gram.numel()
        return self.config.style_weight * self._layer_weights[key] * scaled

    def _range_loss(self, squares: Tensor) -> Tensor:
        return self.config.range_weight * squares * 127.5**2 / self._elements

    def _add_style(self, part: StylePart, band_memory: int | None) -> None:
        """Add the style of a part of the image: its Gram matrices, their weights and guides at each layer."""
        inside = Guidance.of(self.network, part.mask, self._style_layers, part.name)
        within = Guidance.of(self.network, part.style_mask, [*inside.guides])
        targets = [
            self._style_targets(compute(self.network, style, [*within.guides], band_memory), within.guides)
            for style in part.styles
        ]
        for name, guidance in ((part.name, inside), (f"the style of {part.name}", within)):
            if guidance.too_small:
                self.too_small[name] = guidance.too_small
        for layer in within.guides:
            guide = inside.guides[layer]
            self._guides[layer].append(guide)
            self._style[guide.key] = mix([grams[layer] for grams, _ in targets], part.style_weights)
            mean_square = mix([squares[layer] for _, squares in targets], part.style_weights)
            self._layer_weights[guide.key] = self._weigh_style_layer(layer, guide.key, mean_square) * part.share

    def _style_targets(
        self, features: Iterable[Features], guides: Mapping[str, Guide]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The Gram matrices of a style image, and the mean squares of its features."""
        grams, squares, positions = dict[str, Tensor](), dict[str, Tensor](), dict[str, int]()
        for part in features:
            name, guide = part.layer, guides[part.layer]
            grams[name] = grams.get(name, 0) + guide.gram_sum(part)
            squares[name] = squares.get(name, 0) + guide.square_sum(part)
            positions[name] = guide.positions(part, positions.get(name, 0))
        return (
            {name: self._scale(gram, positions[name]) for name, gram in grams.items()},
            {name: square / (positions[name] * len(grams[name])) for name, square in squares.items()},
        )

    def _divisor(self, mean_square: Tensor) -> float:
        """The divisor of squared features with this mean square."""
        return max(mean_square.item(), _LEAST_SQUARE) if self.config.normalised else 1.0

    def _scale(self, gram: Tensor, positions: int) -> Tensor:
        return gram / (positions * gram.shape[0] if self.config.gram_scaling == "elements" else positions)

    def _variation(self, image: Tensor, rows: int | None) -> Tensor:
        if not self.config.tv_weight:
            return image.new_zeros(())
        return total_variation(image * 127.5, self.config.tv_kind, rows)

    def _weigh_style_layer(self, layer: str, key: str, mean_square: Tensor) -> float:
        factors = dict(zip(self.config.style_layers, self.config.style_layer_factors, strict=False))  # or none
        return self._weight(key) * factors.get(layer, 1.0) / self._divisor(mean_square) ** 2

    def _weight(self, key: str) -> float:
        if self.config.style_layer_weighting == "channels":
            return 1 / self._style[key].shape[0] ** 2
        return 1 / len(self._style_layers) if self.config.style_layer_weighting == "average" else 1.0


def _join(features: Iterable[Features]) -> dict[str, Tensor]:
    """The features of whole layers, from their parts."""
    parts: dict[str, list[Tensor]] = {}
    for part in features:
        parts.setdefault(part.layer, []).append(part.values)
    return {name: torch.cat(values, 2) if len(values) > 1 else values[0] for name, values in parts.items()}


def _mean_square(features: Tensor) -> Tensor:
    return at_least_float32(features).square().mean()
