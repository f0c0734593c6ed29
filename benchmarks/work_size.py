"""Compare `--work-size` with the translation at full size, on photographs.

    python benchmarks/work_size.py PHOTO... [--methods munit unit cyclegan] [--work-size 208] [--to winter] [--seed 4]
                                   [--seasons FOLDER] [--keep FOLDER]

`--seasons` names a folder with photographs of both domains, `trainA` and `trainB`, and `testA` and `testB`. It trains a
linear classifier over features of VGG-19, which tells how much an output looks like its target.

Prints JSON: for each method and way, the means over the photographs of

- `seconds` to translate a decoded photograph,
- `ssim` of the luma with the input,
- `edges`: the correlation of the gradients' magnitudes with those of the input, at full size,
- `target`: the part of the outputs that the classifier takes for the target; `margin`: the mean of its log-odds.

`--keep` writes the outputs to a folder.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import imgxlate
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.image_array import ImageArray
from imgxlate.images.pil import to_image_array
from imgxlate.images.tensors import to_tensor
from imgxlate.metrics.feature_networks import bundled_vgg, vgg_features
from imgxlate.metrics.likeness import luma, ssim

PHOTOS_OF_A_SEASON = 300  # to train the classifier
DECAY = 1e-2  # of the classifier's weights

Classifier = Callable[[ImageArray], float]
"""The log-odds that an image is of domain B."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--methods", nargs="+", default=["munit", "unit", "cyclegan"])
    parser.add_argument("--work-size", type=int, default=208)
    parser.add_argument("--to", default="winter")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--seasons", type=Path)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    report: dict[str, object] = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    classifier = None
    if arguments.seasons:
        classifier = train_classifier(arguments.seasons)
        report["classifier_accuracy"] = accuracy(classifier, arguments.seasons)
    for method in arguments.methods:
        model = imgxlate.load(method)
        sign = 1 if model.target(arguments.to) == "B" else -1
        ways: dict[str, list[dict[str, float]]] = {"full": [], "work_size": []}
        for path in arguments.photos:
            photo = decode(path)
            for way, measured in ways.items():
                work_size = arguments.work_size if way == "work_size" else None
                started = time.perf_counter()
                [image] = model.translate(photo.rgb, to=arguments.to, seed=arguments.seed, work_size=work_size)
                output = to_image_array(image)
                numbers = {"seconds": time.perf_counter() - started}
                numbers |= {"ssim": ssim(photo, output), "edges": edge_correlation(photo, output)}
                if classifier:
                    margin = sign * classifier(output)
                    numbers |= {"target": float(margin > 0), "margin": margin}
                measured.append(numbers)
                if arguments.keep:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    save(output, arguments.keep / f"{path.stem}.{method}.{way}.png")
        report[method] = {
            way: {name: round(mean(row[name] for row in measured), 3) for name in measured[0]}
            for way, measured in ways.items()
        }
    print(json.dumps(report, indent=2))


def edge_correlation(source: ImageArray, output: ImageArray) -> float:
    """The correlation of the magnitudes of the gradients of two images' luma."""
    magnitudes = torch.stack([gradient_magnitude(source), gradient_magnitude(output)])
    return float(torch.corrcoef(magnitudes)[0, 1])


def gradient_magnitude(image: ImageArray) -> Tensor:
    values = luma(to_tensor(image.rgb))[0, 0]
    vertical, horizontal = torch.gradient(values)
    return torch.hypot(vertical, horizontal).flatten()


def train_classifier(seasons: Path) -> Classifier:
    """Logistic regression over the features of VGG-19, averaged over each photograph."""
    features = vgg_features(bundled_vgg(torch.device("cpu")))
    vectors = [features(map(decode, photos(seasons / name))) for name in ("trainA", "trainB")]
    inputs = torch.cat(vectors).float()
    labels = torch.cat([torch.full((len(of_one),), float(label)) for label, of_one in enumerate(vectors)])
    center, spread = inputs.mean(0), inputs.std(0) + 1e-6
    inputs = (inputs - center) / spread
    weights = torch.zeros(inputs.shape[1] + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        odds = inputs @ weights[:-1] + weights[-1]
        value = functional.binary_cross_entropy_with_logits(odds, labels) + DECAY * weights[:-1].square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    found = weights.detach()

    def log_odds(image: ImageArray) -> float:
        [vector] = features([image])
        return float((vector.float() - center) / spread @ found[:-1] + found[-1])

    return log_odds


def accuracy(classifier: Classifier, seasons: Path) -> float:
    """The part of the test photographs that the classifier takes for their domain."""
    of_a = [classifier(decode(path)) < 0 for path in photos(seasons / "testA")]
    of_b = [classifier(decode(path)) > 0 for path in photos(seasons / "testB")]
    return round(float(np.mean(of_a + of_b)), 3)


def photos(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.jpg"))[:PHOTOS_OF_A_SEASON]


if __name__ == "__main__":
    main()
