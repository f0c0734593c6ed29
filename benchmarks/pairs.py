"""Measure how close a model's translations are to the true translations, on a data set that has pairs.

    python benchmarks/pairs.py munit INPUTS TRUTHS [--model outline2color] [--styles 8] [--size N] [--limit N]

INPUTS and TRUTHS are folders with files of the same names. Prints JSON: for each way to translate, two means over all
pairs: the absolute difference from the true image in gray levels, and the distance over the bundled VGG-19
(`vgg19-distance`, docs/metrics.md). The ways are:

- `input`: the input, unchanged;
- `sampled`: the mean over the sampled styles;
- `nearest`: the best of the sampled styles;
- `guided`: the style of the true image;
- `misguided`: the style of another pair's true image.

If `guided` is closer than `misguided`, styles carry over. If `nearest` is closer than `sampled`, the styles differ
where the images differ.
"""

import argparse
import json
import statistics
from collections import defaultdict
from pathlib import Path

import torch

from imgxlate.images.decode import decode
from imgxlate.images.image_array import ImageArray
from imgxlate.inference import style_codes
from imgxlate.inference.device import Arithmetic, find_device
from imgxlate.inference.loading import find_model, load_model
from imgxlate.inference.model import Model
from imgxlate.inference.translation import resized
from imgxlate.methods import registry
from imgxlate.methods.protocol import StyleSampler
from imgxlate.metrics.diversity import diversity
from imgxlate.metrics.feature_networks import bundled_vgg, vgg_distance
from imgxlate.weights.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method")
    parser.add_argument("inputs", type=Path)
    parser.add_argument("truths", type=Path)
    parser.add_argument("--model", help="default: the bundled model of the method")
    parser.add_argument("--styles", type=int, default=8)
    parser.add_argument("--size", type=int, help="shorter side in pixels; default: that of the training images")
    parser.add_argument("--limit", type=int, help="number of pairs, from the first")
    arguments = parser.parse_args()
    model = load(arguments.method, arguments.model)
    files = sorted(arguments.inputs.iterdir())[: arguments.limit]
    size = arguments.size or model.trained_size
    pairs = [tuple(resized(decode(path), size) for path in (file, arguments.truths / file.name)) for file in files]
    report = {"model": model.name, "size": size, "pairs": len(pairs), "styles": arguments.styles}
    print(json.dumps(report | measure(model, pairs, arguments.styles), indent=2))


def load(method: str, name: str | None) -> Model:
    spec, store = registry.find(method), Store()
    file = find_model(spec, name, None, None, store, store.path)
    return load_model(spec, file, find_device("auto"), Arithmetic())


def measure(model: Model, pairs: list[tuple[ImageArray, ImageArray]], count: int) -> dict[str, dict[str, float]]:
    distance = vgg_distance(bundled_vgg(model.device))
    errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for index, (source, truth) in enumerate(pairs):
        other = pairs[(index + 1) % len(pairs)][1]
        for way, images in translations(model, source, truth, other, count).items():
            found = [(gray_levels(image, truth), diversity(distance, [image, truth]) or 0.0) for image in images]
            errors[way].append(mean(found))
            if way == "sampled":
                errors["nearest"].append(min(found, key=lambda error: error[1]))
    return {way: dict(zip(("grey_levels", distance.name), mean(found), strict=True)) for way, found in errors.items()}


def translations(
    model: Model, source: ImageArray, truth: ImageArray, other: ImageArray, count: int
) -> dict[str, list[ImageArray]]:
    """The images from each way to translate."""
    to = model.target(None)
    if not isinstance(model.translator, StyleSampler):
        return {"input": [source], "translated": list(model.translate_array(source, to))}
    sampled = torch.tensor(style_codes.sample(count, model.translator.style_dim, 0).codes)
    codes = {
        "sampled": sampled,
        "guided": model.encode_array(truth, to),
        "misguided": model.encode_array(other, to),
    }
    translated = {way: list(model.translate_array(source, to, code)) for way, code in codes.items()}
    return {"input": [source], **translated}


def gray_levels(image: ImageArray, truth: ImageArray) -> float:
    return float(abs(image.rgb.astype(int) - truth.rgb).mean())


def mean(errors: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.fmean(e[0] for e in errors), statistics.fmean(e[1] for e in errors)


if __name__ == "__main__":
    main()
