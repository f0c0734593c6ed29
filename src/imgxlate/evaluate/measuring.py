"""The measures of a comparison, taken together: of single pictures, of several of one input, and of sets."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from imgxlate.evaluate.comparison import Measure
from imgxlate.evaluate.distances import Pairs, PerceptualDistance, diversity, diversity_measure
from imgxlate.evaluate.distributions import SetFeatures, distribution_measures, frechet_distance, kernel_distance
from imgxlate.evaluate.likeness import CONTENT, SSIM, STYLE, ContentDistance, StyleDistance, ssim
from imgxlate.evaluate.trunks import TrunkSource, bundled_vgg, find_distance, find_set_features
from imgxlate.evaluate.views import view
from imgxlate.images.image_array import ImageArray
from imgxlate.nn.vgg import Vgg

Numbers = dict[str, float | None]

STYLES = 4
"""Styles drawn for each input where the protocol does not say how many."""

AGAIN = 4
"""Inputs that a method without styles is given twice, to see whether it makes the same picture again."""

_AGAIN = f"That is seen from {AGAIN} inputs given twice; it is not taken of methods that optimise, where it is dear."
_DRAWN = "They are one of each input; methods with styles draw one for each."


@dataclass(frozen=True, slots=True)
class Instruments:
    """What there is to measure with; without a feature network, nothing is looked at."""

    pairs: Pairs  # of an input's outputs, for diversity
    vgg: Vgg | None = None
    distance: PerceptualDistance | None = None
    style: StyleDistance | None = None  # None: there are no style images
    features: SetFeatures | None = None  # None: there are no real pictures of the target domain
    real: Tensor = field(default_factory=lambda: torch.empty(0))  # their features (N, C)

    def draws(self, before: int) -> int:
        """How many styles to draw for an input that comes after so many."""
        if self.distance and (self.pairs.inputs is None or before < self.pairs.inputs):
            return self.pairs.outputs or STYLES
        return 0 if self.features is None else 1

    def of_single(self, content: ImageArray) -> Callable[[ImageArray], Numbers]:
        """What takes the numbers of each picture that is made of `content`."""
        if self.vgg is None:
            return lambda made: {}
        distance = ContentDistance(self.vgg, content)

        def numbers(made: ImageArray) -> Numbers:
            taken: Numbers = {SSIM.name: _finite(ssim(content, made)), CONTENT.name: _finite(distance(made))}
            if self.style:
                taken[STYLE.name] = _finite(self.style(made))
            return taken

        return numbers

    def measures(self, inputs: int) -> list[Measure]:
        """What is measured, where so many inputs could be read."""
        found: list[Measure] = []
        if self.distance:
            measure = diversity_measure(self.distance, self.pairs, inputs, self.pairs.outputs or STYLES)
            found.append(replace(measure, how=f"{measure.how} {_AGAIN}"))
        if self.features:
            sets = distribution_measures(self.features, inputs, len(self.real))
            found += [replace(measure, how=f"{measure.how} {_DRAWN}") for measure in sets]
        return [*found, *([SSIM, CONTENT] if self.vgg else []), *([STYLE] if self.style else [])]


class Tally:
    """What one entrant's pictures give together."""

    def __init__(self, instruments: Instruments) -> None:
        self._with = instruments
        self._diversities: list[float] = []  # of each input
        self._features: list[Tensor] = []  # (1, C) of each picture of the set

    def add_outputs(self, outputs: Iterable[ImageArray], pairs: Pairs) -> None:
        """Count the outputs of one input, whose `pairs` are compared."""
        if self._with.distance:
            small = [view(output) for output in outputs]
            found = diversity(self._with.distance, small, pairs)
            self._diversities += [] if found is None else [found]

    def add_to_set(self, picture: ImageArray) -> None:
        """Count a picture among those that are held against the real ones."""
        if self._with.features:
            self._features.append(self._with.features([picture]))

    def numbers(self, seed: int) -> Numbers:
        """Diversity, and the distances to the real pictures; `seed` draws the subsets for one of them."""
        numbers: Numbers = {}
        if self._with.distance:
            numbers[self._with.distance.name] = mean(self._diversities)
        if self._with.features:
            made = torch.cat([self._with.real[:0], *self._features])
            kernel = kernel_distance(made, self._with.real, seed)
            name = self._with.features.kernel_name
            numbers[self._with.features.frechet_name] = _finite(frechet_distance(made, self._with.real))
            numbers[name] = _finite(kernel.mean if kernel else None)
            numbers[f"{name}-deviation"] = _finite(kernel.deviation if kernel else None)
        return numbers


def prepare(
    source: TrunkSource | None,
    pairs: Pairs,
    style_images: Sequence[ImageArray] = (),
    targets: Iterable[ImageArray] | None = None,
) -> Instruments:
    """Load what the numbers are taken with; without a `source`, no network is.

    Raises:
        ImgxlateError: the published networks are demanded and cannot be had.
    """
    if source is None:
        return Instruments(pairs)
    vgg = bundled_vgg(source.device)
    features = None if targets is None else find_set_features(source, vgg)
    return Instruments(
        pairs=pairs,
        vgg=vgg,
        distance=find_distance(source, vgg),
        style=StyleDistance(vgg, style_images) if style_images else None,
        features=features,
        real=torch.empty(0) if features is None or targets is None else features(targets),
    )


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that there are; None for none."""
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(present) if present else None


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
