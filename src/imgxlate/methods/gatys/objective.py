"""The loss of neural style (Gatys et al., arXiv 1508.06576, Eq. 7), in two steps.

`sums` reduces an image to the sums that the loss depends on: squared errors of content features, Gram matrices, total
variation. `losses` compares them with the targets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imgxlate.losses.style import excess, gram_sum, mix, squared_error_sum, total_variation
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.nn.vgg import Vgg

_LEAST_SQUARE = 1e-6  # the least divisor: an image of one color may activate no feature


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums that the loss depends on, over an image."""

    content: Mapping[str, Tensor]  # by layer: sum of the squared differences of features, ()
    grams: Mapping[str, Tensor]  # by layer: sum over positions of features times features, (C, C)
    positions: Mapping[str, int]  # by layer of `grams`: the number of positions
    variation: Tensor  # ()
    excess: Tensor  # ()


@dataclass(frozen=True, slots=True)
class Losses:
    """The parts of the loss, each weighted."""

    content: Mapping[str, Tensor]  # by layer
    style: Mapping[str, Tensor]  # by layer
    variation: Tensor
    excess: Tensor

    @property
    def total(self) -> Tensor:
        """The loss that is minimized."""
        return sum((*self.content.values(), *self.style.values()), start=self.variation + self.excess)

    def summary(self) -> dict[str, float]:
        """The total and its four parts, as numbers."""
        content, style = (
            torch.stack([*part.values(), torch.zeros_like(self.variation)]).sum() for part in (self.content, self.style)
        )
        values = torch.stack([self.total, content, style, self.variation, self.excess]).tolist()
        return dict(zip(("total", "content", "style", "variation", "range"), values, strict=True))


class Objective:
    """The distance of an image from the content of one image and the style of others.

    Images are (1, 3, H, W) in [-1, 1]; the evaluated image has the content image's size. `style_weights`, one for
    each of `styles`, have the sum 1.
    """

    def __init__(
        self,
        config: GatysConfig,
        network: Vgg,
        content: Tensor,
        styles: Sequence[Tensor],
        style_weights: Sequence[float],
    ) -> None:
        self.config = config
        self.network = network
        self._elements = content.numel()
        self._content_layers = config.content_layers if config.content_weight else ()
        self._style_layers = config.style_layers if config.style_weight else ()
        with torch.no_grad():
            self._content = network(content, self._content_layers)
            targets = [self._style_targets(style) for style in styles]
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
        features = self.network(image, {*self._content_layers, *self._style_layers})
        return Sums(
            content={name: squared_error_sum(features[name], target) for name, target in self._content.items()},
            grams={name: gram_sum(features[name]) for name in self._style_layers},
            positions={name: features[name][0, 0].numel() for name in self._style_layers},
            variation=self._variation(image),
            excess=excess(image),
        )

    def losses(self, sums: Sums) -> Losses:
        """The loss of the image that has these `sums`."""
        content = {name: self._content_loss(name, error) for name, error in sums.content.items()}
        style = {name: self._style_loss(name, gram, sums.positions[name]) for name, gram in sums.grams.items()}
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

    def _style_targets(self, style: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The Gram matrices of a style image, and the mean squares of its features."""
        features = self.network(style, self._style_layers)
        grams = {name: self._scale(gram_sum(maps), maps[0, 0].numel()) for name, maps in features.items()}
        return grams, {name: _mean_square(maps) for name, maps in features.items()}

    def _divisor(self, mean_square: Tensor) -> float:
        """The divisor of squared features with this mean square."""
        return max(mean_square.item(), _LEAST_SQUARE) if self.config.normalised else 1.0

    def _scale(self, gram: Tensor, positions: int) -> Tensor:
        return gram / (positions * gram.shape[0] if self.config.gram_scaling == "elements" else positions)

    def _variation(self, image: Tensor) -> Tensor:
        if not self.config.tv_weight:
            return image.new_zeros(())
        return total_variation(image * 127.5, self.config.tv_kind)

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


def _mean_square(features: Tensor) -> Tensor:
    return features.float().square().mean()
