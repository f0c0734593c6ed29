"""Measures a model on test images, in each of its directions: realism, likeness to the input, and diversity."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from statistics import fmean

import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.callbacks import Notify, Progress
from imgxlate.checkpoint import Checkpoint
from imgxlate.images.image_array import ImageArray
from imgxlate.inference import style_codes
from imgxlate.inference.model import Model
from imgxlate.methods.spec import OTHER, Domain, TrainingConfig
from imgxlate.metrics import likeness
from imgxlate.metrics.distributions import SetFeatures, frechet_distance, kernel_distance
from imgxlate.metrics.diversity import diversity
from imgxlate.metrics.feature_networks import (
    INCEPTION,
    bundled_vgg,
    has_fidelity,
    inception,
    require_fidelity,
    vgg_distance,
    vgg_features,
)
from imgxlate.nn.vgg import Vgg
from imgxlate.training import seeding
from imgxlate.weights import cards
from imgxlate.weights.store import Store

_CLOSE = 8  # images, the first ones, of which content distance and diversity are measured
_STYLES = 4  # of each of them, if the method has styles

Work = Generator[None, None, dict[str, float]]
"""Yields after each image, and returns numbers by name."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Test images, and the networks that measure. The features of real images are computed once."""

    images: Mapping[Domain, Sequence[ImageArray]]  # at least two of each domain
    vgg: Vgg
    features: SetFeatures
    _real: dict[Domain, Tensor] = field(default_factory=dict)  # features (N, C) of the images of a domain

    def measure(self, model: Model) -> Work:
        """Measure the translations of all images. The names of the numbers end in the domain: "kd-vgg19_b".

        The same weights give the same numbers: each image has its own style codes, the same in every evaluation.

        Raises:
            DivergedError: the model computes values that are not finite.
        """
        quality: dict[str, float] = {}
        for to in model.translator.targets:
            numbers = yield from self._measure_direction(model, to)
            quality |= {f"{name}_{to.lower()}": value for name, value in numbers.items()}
        return quality

    def _measure_direction(self, model: Model, to: Domain) -> Work:
        real = yield from self._real_features(to)
        distance = vgg_distance(self.vgg)
        vectors: list[Tensor] = []
        contents: list[float] = []
        diversities: list[float] = []
        for index, image in enumerate(self.images[OTHER[to]]):
            outputs = model.translate_array(image, to, _codes(model, index, to, self.images[to]))
            first = next(outputs)
            vectors.append(self.features([first]))
            if index < _CLOSE:
                contents.append(self._content_distance(image, first))
                found = diversity(distance, chain([first], outputs))
                diversities += [] if found is None else [found]
            yield
        generated = torch.cat(vectors)
        kernel = kernel_distance(generated, real)
        numbers = {
            self.features.kernel_name: kernel and kernel[0],
            self.features.frechet_name: frechet_distance(generated, real),
            likeness.CONTENT.name: fmean(contents),
            distance.name: fmean(diversities) if diversities else None,
        }
        return {name: value for name, value in numbers.items() if value is not None}

    def _real_features(self, domain: Domain) -> Generator[None, None, Tensor]:
        if domain not in self._real:
            vectors = []
            for image in self.images[domain]:
                vectors.append(self.features([image]))
                yield
            self._real[domain] = torch.cat(vectors)
        return self._real[domain]

    def _content_distance(self, image: ImageArray, output: ImageArray) -> float:
        found, wanted = (likeness.content_features(self.vgg, each, image.size) for each in (output, image))
        return likeness.relative_error(found, wanted)


def find_inception(config: TrainingConfig, offline: bool, progress: Progress, notify: Notify) -> Checkpoint | None:
    """The network of FID and KID if it is chosen, downloaded if necessary; by default only if it is here already.

    Raises:
        WeightsError: it is chosen and cannot be had.
    """
    store, card = Store(), cards.find(INCEPTION)
    wanted = config.metrics == "published" or (config.metrics == "auto" and has_fidelity() and store.record(card.name))
    if not (config.evaluate_every and wanted):
        return None
    require_fidelity()
    return checkpoint.read(store.path(card, offline=offline, progress=progress, notify=notify))


def load(
    images: Mapping[Domain, Sequence[ImageArray]], published: Checkpoint | None, device: torch.device
) -> Evaluator:
    """Load the networks; `published` holds the weights of FID's InceptionV3, None: the bundled VGG-19 takes its place.

    Raises:
        CheckpointError: `published` holds another network.
    """
    vgg = bundled_vgg(device)
    return Evaluator(images, vgg, inception(lambda _: published, device) if published else vgg_features(vgg))


def _codes(model: Model, index: int, to: Domain, style_images: Sequence[ImageArray]) -> Tensor | None:
    """The style codes to translate an image with, which depend on its number alone."""
    if model.style_dim is None:
        return None
    count = _STYLES if index < _CLOSE else 1
    if model.spec.needs_style_image:
        chosen = (style_images[(index + number) % len(style_images)] for number in range(count))
        return torch.cat([model.encode_array(image, to) for image in chosen])
    return torch.tensor(style_codes.sample(count, model.style_dim, seeding.derived("evaluation", index)).codes)
