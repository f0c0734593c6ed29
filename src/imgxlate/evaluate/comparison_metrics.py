"""The metrics of a comparison: of single images, of several outputs of one input, and of sets."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.callbacks import Notify
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import ImageError, ImgxlateError
from imgxlate.evaluate.choices import Fetch, PairProtocol
from imgxlate.evaluate.results import Numbers
from imgxlate.images.decode import decode
from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.metrics import feature_networks as networks
from imgxlate.metrics import likeness
from imgxlate.metrics.distributions import SetFeatures, distribution_measures, frechet_distance, kernel_distance
from imgxlate.metrics.diversity import PROTOCOLS, Pairs, PerceptualDistance, diversity, diversity_measure
from imgxlate.metrics.likeness import CONTENT, SSIM, STYLE
from imgxlate.metrics.measure import Measure, MetricsChoice
from imgxlate.nn.vgg import Vgg
from imgxlate.weights import cards
from imgxlate.weights.store import Store

REPEATED = 4
"""Inputs that a method without styles translates twice, to see whether the image is the same."""

_REPEATED = (
    f"For other methods this is measured on {REPEATED} inputs, each translated twice. It is not measured for methods "
    "that optimize, because one image can take minutes."
)
_DRAWN = "There is one image of each input; methods with styles draw a style for each."


@dataclass(frozen=True, slots=True)
class Metrics:
    """Measures images with feature networks. Without any, no image is measured."""

    pairs: Pairs  # of the outputs of an input, for diversity
    vgg: Vgg | None = None
    distance: PerceptualDistance | None = None
    wanted_grams: Mapping[str, Tensor] | None = None  # None: there are no style images
    features: SetFeatures | None = None  # None: there are no real images of the target domain
    real: Tensor = field(default_factory=lambda: torch.empty(0))  # features (N, C) of the real images

    def draws(self, done: int) -> int:
        """The number of styles to draw for an input after `done` others."""
        if self.distance and (self.pairs.inputs is None or done < self.pairs.inputs):
            return self.pairs.outputs
        return 1 if self.features else 0

    def of_outputs(self, content: ImageArray) -> Callable[[ImageArray], Numbers]:
        """A function that measures each output of the input `content`."""
        vgg = self.vgg
        if vgg is None:
            return lambda output: {}
        wanted = likeness.content_features(vgg, content, content.size)

        def numbers(output: ImageArray) -> Numbers:
            found = likeness.content_features(vgg, output, content.size)
            values = {SSIM.name: likeness.ssim(content, output), CONTENT.name: likeness.relative_error(found, wanted)}
            if self.wanted_grams:
                values[STYLE.name] = likeness.style_distance(likeness.style_grams(vgg, [output]), self.wanted_grams)
            return {name: _finite(value) for name, value in values.items()}

        return numbers

    def measures(self, inputs: int) -> list[Measure]:
        """Describes all metrics for `inputs` inputs."""
        found: list[Measure] = []
        if self.distance:
            measure = diversity_measure(self.distance, self.pairs, inputs)
            found.append(replace(measure, how=f"{measure.how} {_REPEATED}"))
        if self.features:
            sets = distribution_measures(self.features, inputs, len(self.real))
            found += [replace(measure, how=f"{measure.how} {_DRAWN}") for measure in sets]
        return [*found, *([SSIM, CONTENT] if self.vgg else []), *([STYLE] if self.wanted_grams else [])]


@dataclass(slots=True)
class SetNumbers:
    """The numbers of one method that need several images: its diversity, and the distances of sets."""

    metrics: Metrics
    diversities: list[float] = field(default_factory=list)  # of each input
    features: list[Tensor] = field(default_factory=list)  # (1, C) of each image of the set

    def add_drawn(self, outputs: Iterator[ImageArray]) -> None:
        """Add outputs of one input in styles that were drawn for it: all for diversity, the first for the set."""
        for first in islice(outputs, 1):
            self.add_to_set(first)
            self.add_diversity(chain([first], outputs), independent=self.metrics.pairs.independent)

    def add_diversity(self, outputs: Iterable[ImageArray], *, independent: bool = False) -> None:
        """Add the mean distance between outputs of one input."""
        if self.metrics.distance:
            found = diversity(self.metrics.distance, outputs, independent=independent)
            self.diversities += [] if found is None else [found]

    def add_to_set(self, output: ImageArray) -> None:
        """Add an output to the set that is compared with the real images."""
        if self.metrics.features:
            self.features.append(self.metrics.features([output]))

    def numbers(self, seed: int) -> Numbers:
        """Diversity, and the distances to the real images; `seed` draws the subsets for one of them."""
        numbers: dict[str, float | None] = {}
        if self.metrics.distance:
            numbers[self.metrics.distance.name] = mean(self.diversities)
        if self.metrics.features:
            generated = torch.cat([self.metrics.real[:0], *self.features])
            average, deviation = kernel_distance(generated, self.metrics.real, seed) or (None, None)
            name = self.metrics.features.kernel_name
            numbers[self.metrics.features.frechet_name] = _finite(frechet_distance(generated, self.metrics.real))
            numbers[name] = _finite(average)
            numbers[f"{name}-deviation"] = _finite(deviation)
        return numbers


def load_metrics(
    choice: MetricsChoice,
    protocol: PairProtocol,
    device: torch.device,
    style_images: Sequence[ImageArray],
    targets: Sequence[Path] | None,
    fetch: Fetch,
    on_failure: Callable[[ImgxlateError], None],
    notify: Notify,
    limits: Limits = DEFAULT,
) -> Metrics:
    """Load the feature networks, and measure the style images and the real images of the target domain.

    Raises:
        ImgxlateError: `choice` is `published`, and a network is missing.
        ImageError: none of `targets` can be read.
    """
    pairs = PROTOCOLS[protocol]
    if choice == "none":
        return Metrics(pairs)
    store = Store()
    if choice == "auto":  # There is a fallback, so do not wait long for a dead network.
        store = replace(store, patience=replace(store.patience, connect=3.0, stall=10.0, tries=2))

    def weights(name: str) -> Checkpoint:
        return checkpoint.read(fetch(cards.find(name), store))

    vgg = networks.bundled_vgg(device)
    features, real = None, torch.empty(0)
    if targets is not None:
        bundled = networks.vgg_features(vgg)
        names = "FID and KID", f"{bundled.frechet_name} and {bundled.kernel_name}"
        features = networks.published_or_bundled(
            choice, lambda: networks.inception(weights, device), bundled, names, notify
        )
        real = features(_readable(targets, limits, on_failure))
        if not len(real):
            raise ImageError(targets[0], "none of the images of --targets can be read")
    distance = networks.vgg_distance(vgg)
    return Metrics(
        pairs=pairs,
        vgg=vgg,
        distance=networks.published_or_bundled(
            choice, lambda: networks.lpips(weights, device), distance, ("LPIPS", distance.name), notify
        ),
        wanted_grams=likeness.style_grams(vgg, style_images) if style_images else None,
        features=features,
        real=real,
    )


def _readable(
    paths: Sequence[Path], limits: Limits, on_failure: Callable[[ImgxlateError], None]
) -> Iterator[ImageArray]:
    for path in paths:
        try:
            yield decode(path, limits=limits)
        except ImageError as error:
            on_failure(error)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are not None; None without any."""
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(present) if present else None


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
