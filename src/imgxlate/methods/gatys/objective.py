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
    gram_gradient,
    gram_sum,
    mix,
    squared_error_gradient,
    squared_error_sum,
    total_variation,
)
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.nn.precision import at_least_float32
from imgxlate.nn.vgg import Vgg
from imgxlate.nn.vgg_bands import Features, compute

_LEAST_SQUARE = 1e-6  # the least divisor: an image of one color may activate no feature


@dataclass(slots=True)
class Sums:
    """The sums that the loss depends on, over an image."""

    content: dict[str, Tensor]  # by layer: sum of the squared differences of features, ()
    grams: dict[str, Tensor]  # by layer: sum over positions of features times features, (C, C)
    positions: dict[str, int]  # by layer of `grams`: the number of positions
    variation: Tensor  # ()
    excess: Tensor  # ()


@dataclass(frozen=True, slots=True)
class Losses:
    """The parts of the loss, each weighted."""

    content: Mapping[str, Tensor]  # by layer
    style: Mapping[str, Tensor]  # by layer
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
    each of `styles`, have the sum 1. The features of content and styles are computed whole, or in bands that take about
    `band_memory` bytes each.
    """

    def __init__(
        self,
        config: GatysConfig,
        network: Vgg,
        content: Tensor,
        styles: Sequence[Tensor],
        style_weights: Sequence[float],
        band_memory: int | None = None,
    ) -> None:
        self.config = config
        self.network = network
        self._elements = content.numel()
        self._content_layers = config.content_layers if config.content_weight else ()
        self._style_layers = config.style_layers if config.style_weight else ()
        self.layers = {*self._content_layers, *self._style_layers}
        with torch.no_grad():
            self._content = _join(compute(network, content, self._content_layers, band_memory))
            targets = [
                self._style_targets(compute(network, style, self._style_layers, band_memory)) for style in styles
            ]
            self._style = {n: mix([grams[n] for grams, _ in targets], style_weights) for n in self._style_layers}
            squares = {n: mix([square[n] for _, square in targets], style_weights) for n in self._style_layers}
        self._content_weights = {
            name: config.content_weight / self._divisor(_mean_square(maps)) for name, maps in self._content.items()
        }
        self._layer_weights = self._weigh_style_layers(squares)

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
            if name in self._style_layers:
                grams[name] = grams.get(name, 0) + gram_sum(part.values)
                positions[name] = positions.get(name, 0) + part.positions
        return content, grams, positions

    def feature_gradient(
        self, features: Features, by_content: Mapping[str, Tensor], by_grams: Mapping[str, Tensor]
    ) -> Tensor:
        """The gradient of the loss by `features`, from those by the sums over the features of all parts."""
        name, values = features.layer, features.values
        gradients = []
        if name in by_content:
            gradients.append(squared_error_gradient(values, features.cut(self._content[name]), by_content[name]))
        if name in by_grams:
            gradients.append(gram_gradient(values, by_grams[name]))
        return sum(gradients[1:], start=gradients[0])

    def image_sums(self, image: Tensor, rows: int | None = None) -> tuple[Tensor, Tensor]:
        """Total variation and excess of the first `rows` of an image; None: of all.

        The variation between these rows and the next one counts.
        """
        return self._variation(image, rows), excess(image[:, :, :rows])

    def losses(self, sums: Sums) -> Losses:
        """The loss of the image that has these `sums`."""
        content = {name: self._content_loss(name, sums.content[name]) for name in self._content}
        style = {name: self._style_loss(name, sums.grams[name], sums.positions[name]) for name in self._style_layers}
        variation = self.config.tv_weight * sums.variation
        return Losses(content, style, variation, self._range_loss(sums.excess))

    def _content_loss(self, layer: str, error: Tensor) -> Tensor:
        scaled = error / 2 if self.config.content_error == "half-sum" else error / self._content[layer].numel()
        return self._content_weights[layer] * scaled

    def _style_loss(self, layer: str, gram: Tensor, positions: int) -> Tensor:
        error = squared_error_sum(self._scale(gram, positions), self._style[layer])
        scaled = error / 4 if self.config.style_error == "quarter-sum" else error / gram.numel()
        return self.config.style_weight * self._layer_weights[layer] * scaled

    def _range_loss(self, squares: Tensor) -> Tensor:
        return self.config.range_weight * squares * 127.5**2 / self._elements

    def _style_targets(self, features: Iterable[Features]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The Gram matrices of a style image, and the mean squares of its features."""
        grams, squares, positions = dict[str, Tensor](), dict[str, Tensor](), dict[str, int]()
        for part in features:
            name = part.layer
            grams[name] = grams.get(name, 0) + gram_sum(part.values)
            squares[name] = squares.get(name, 0) + at_least_float32(part.values).square().sum()
            positions[name] = positions.get(name, 0) + part.positions
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

    def _weigh_style_layers(self, squares: Mapping[str, Tensor]) -> dict[str, float]:
        factors = dict(zip(self.config.style_layers, self.config.style_layer_factors, strict=False))  # or none
        return {
            name: self._weight(name) * factors.get(name, 1.0) / self._divisor(squares[name]) ** 2
            for name in self._style_layers
        }

    def _weight(self, layer: str) -> float:
        if self.config.style_layer_weighting == "channels":
            return 1 / self._style[layer].shape[0] ** 2
        return 1 / len(self._style_layers) if self.config.style_layer_weighting == "average" else 1.0


def _join(features: Iterable[Features]) -> dict[str, Tensor]:
    """The features of whole layers, from their parts."""
    parts: dict[str, list[Tensor]] = {}
    for part in features:
        parts.setdefault(part.layer, []).append(part.values)
    return {name: torch.cat(values, 2) if len(values) > 1 else values[0] for name, values in parts.items()}


def _mean_square(features: Tensor) -> Tensor:
    return at_least_float32(features).square().mean()
