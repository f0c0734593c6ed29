"""Compare `--work-size` with the translation at full size, on photographs.

    python benchmarks/work_size.py PHOTO... [--methods munit unit cyclegan] [--work-size 352] [--to winter] [--seed 4]
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
from pathlib import Path
from statistics import mean

import torch
from season_classifier import Classifier, vgg_vectors
from torch import Tensor

import imgxlate
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.image_array import ImageArray
from imgxlate.images.pil import to_image_array
from imgxlate.images.tensors import to_tensor
from imgxlate.metrics.likeness import luma, ssim


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--methods", nargs="+", default=["munit", "unit", "cyclegan"])
    parser.add_argument("--work-size", type=int, default=352)
    parser.add_argument("--to", default="winter")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--seasons", type=Path)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    report: dict[str, object] = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    features, classifier = vgg_vectors(), None
    if arguments.seasons:
        classifier = Classifier(arguments.seasons, features)
        report["classifier_accuracy"] = round(classifier.accuracy(arguments.seasons), 3)
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
                    margin = sign * float(classifier.log_odds(features([output])))
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


if __name__ == "__main__":
    main()
