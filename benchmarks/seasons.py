"""Measure models that translate between two kinds of photographs, on held-out photographs.

    python benchmarks/seasons.py FOLDER MODEL... [--size 256] [--n-styles 8] [--names summer winter]

FOLDER has `trainA`, `trainB`, `testA` and `testB`. The domains of a model are those of the folder in the order of their
names, if it has these names, or else A and B. A MODEL is METHOD, METHOD=NAME of a model, or METHOD=PATH of a run
or a checkpoint. Prints JSON: the accuracy of a classifier that learned from `trainA` and `trainB`, and for each model
and direction

- `target`: the part of the translated photographs that the classifier takes for the target,
- `kd-vgg19`: the kernel distance of the first style of each to the held-out photographs of the target,
- `diversity`: the mean VGG-19 distance between the styles of a photograph, for methods with styles.

`untranslated` has the kernel distance of the photographs themselves.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Literal

import torch
from season_classifier import Classifier, photos, vgg_vectors

import imgxlate
from imgxlate.images.decode import decode
from imgxlate.images.pil import to_image_array
from imgxlate.inference.model import Model
from imgxlate.metrics.distributions import kernel_distance
from imgxlate.metrics.diversity import PerceptualDistance, diversity
from imgxlate.metrics.feature_networks import bundled_vgg, vgg_distance

DIRECTIONS: tuple[tuple[Literal["A", "B"], Literal["A", "B"]], ...] = (("A", "B"), ("B", "A"))
DIGITS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--size", type=int, default=256, help="shorter side of the translated photographs")
    parser.add_argument("--n-styles", type=int, default=8)
    parser.add_argument("--names", nargs=2, default=["summer", "winter"], help="of the domains in FOLDER, A and B")
    arguments = parser.parse_args()
    report = Report(arguments.folder, arguments.size, arguments.n_styles)
    results: dict[str, object] = {
        "classifier accuracy": round(report.classifier.accuracy(arguments.folder), DIGITS),
        "untranslated": {name(*of): {"kd-vgg19": report.kernel(report.real[of[0]], of[1])} for of in DIRECTIONS},
    }
    for given in arguments.models:
        model = load(given)
        same_names = set(model.domains) == set(arguments.names)
        names = dict(zip("AB", arguments.names if same_names else model.domains, strict=True))
        directions = [of for of in DIRECTIONS if names[of[1]] in model.targets]
        results[given] = {name(*of): report.measure(model, *of, names[of[1]]) for of in directions}
    print(json.dumps(results, indent=2))


class Report:
    """The classifier, the features of the real photographs, and how the translations are compared with them."""

    def __init__(self, folder: Path, size: int, n_styles: int) -> None:
        self._folder, self._size, self._n_styles = folder, size, n_styles
        self._features = vgg_vectors()
        self._distance: PerceptualDistance = vgg_distance(bundled_vgg(torch.device("cpu")))
        self.classifier = Classifier(folder, self._features)
        self.real = {domain: self._features(map(decode, self._photos(domain))) for domain in "AB"}

    def measure(self, model: Model, source: Literal["A", "B"], target: Literal["A", "B"], to: str) -> dict[str, float]:
        """The numbers of a direction. `to` is the model's name for the target."""
        vectors, spreads = [], []
        for path in self._photos(source):
            n_styles = self._n_styles if model.style_dim else None
            outputs = model.translate(path, to=to, n_styles=n_styles, size=self._size)
            images = [to_image_array(output) for output in outputs]
            vectors.append(self._features(images))
            spreads.append(diversity(self._distance, images) if model.style_dim else None)
        odds = self.classifier.log_odds(torch.cat(vectors)) * (1 if target == "B" else -1)
        numbers = {"target": round(float((odds > 0).double().mean()), DIGITS)}
        numbers["kd-vgg19"] = self.kernel(torch.stack([of_styles[0] for of_styles in vectors]), target)
        if known := [spread for spread in spreads if spread is not None]:
            numbers["diversity"] = round(fmean(known), DIGITS)
        return numbers

    def kernel(self, vectors: torch.Tensor, target: str) -> float:
        """The kernel distance of images with these features to the photographs of `target`."""
        measured = kernel_distance(vectors, self.real[target])
        return round(measured[0], DIGITS) if measured else float("nan")

    def _photos(self, domain: str) -> list[Path]:
        return list(photos(self._folder / f"test{domain}"))


def name(source: str, target: str) -> str:
    """The name of a direction."""
    return f"{source} to {target}"


def load(given: str) -> Model:
    """The model that METHOD, METHOD=NAME or METHOD=PATH names."""
    method, _, model = given.partition("=")
    if model and Path(model).exists():
        return imgxlate.load(method, checkpoint=model)
    return imgxlate.load(method, model=model or None)


if __name__ == "__main__":
    main()
