"""A classifier that tells two kinds of photographs apart: logistic regression over features of the bundled VGG-19."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from imgxlate.images.decode import decode
from imgxlate.images.image_array import ImageArray
from imgxlate.metrics.feature_networks import bundled_vgg, vgg_features

PHOTOS_OF_A_DOMAIN = 300  # to train with, so that both domains count alike
DECAY = 1e-2  # of the weights

Features = Callable[[Iterable[ImageArray]], Tensor]
"""The vectors (N, D) of images."""


class Classifier:
    """Tells the images of domain B from those of domain A, by the photographs in `trainA` and `trainB` of a folder."""

    def __init__(self, folder: Path, features: Features) -> None:
        self._features = features
        vectors = [features(map(decode, photos(folder / name)[:PHOTOS_OF_A_DOMAIN])) for name in ("trainA", "trainB")]
        inputs = torch.cat(vectors)
        labels = torch.cat([torch.full((len(of_one),), label).double() for label, of_one in enumerate(vectors)])
        self._center, self._spread = inputs.mean(0), inputs.std(0) + 1e-6
        self._weights = fit(self._normalized(inputs), labels)

    def log_odds(self, vectors: Tensor) -> Tensor:
        """The log-odds (N,) that images with these features (N, D) are of domain B."""
        return self._normalized(vectors) @ self._weights[:-1] + self._weights[-1]

    def accuracy(self, folder: Path) -> float:
        """The part of the photographs in `testA` and `testB` that it takes for their domain."""
        odds = [self.log_odds(self._features(map(decode, photos(folder / name)))) for name in ("testA", "testB")]
        return float(torch.cat([odds[0] < 0, odds[1] > 0]).double().mean())

    def _normalized(self, vectors: Tensor) -> Tensor:
        return (vectors - self._center) / self._spread


def fit(inputs: Tensor, labels: Tensor) -> Tensor:
    """The weights (D + 1,) of logistic regression; the last one is the bias."""
    weights = torch.zeros(inputs.shape[1] + 1, dtype=inputs.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        odds = inputs @ weights[:-1] + weights[-1]
        value = functional.binary_cross_entropy_with_logits(odds, labels) + DECAY * weights[:-1].square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()


def vgg_vectors() -> Features:
    """The features of the bundled VGG-19, averaged over each image, on the CPU."""
    return vgg_features(bundled_vgg(torch.device("cpu")))


def photos(folder: Path) -> Sequence[Path]:
    """The photographs of a folder."""
    return sorted(folder.glob("*.jpg"))
