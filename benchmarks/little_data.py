"""Measure how good a model gets with few training images, with and without DiffAugment.

    python benchmarks/little_data.py DATA OUT [--counts 50 100 all] [--augment none color,translation,cutout]
        [--steps 1000 2000 ...] [--seeds 0 ...] [--method cyclegan] [--preset small] [--set KEY=VALUE ...]

DATA holds trainA, trainB, testA and testB. For each of `--counts`, a training sees that many images of A, drawn once,
and all images of B. After each number of `--steps`, the images of testB are translated to A, and those of testA to B.
Measured is their distance from the real images of testA and of testB: the kernel distance over the bundled VGG-19
(`kd-vgg19`, docs/metrics.md); lower is better.

The runs are kept in OUT. The same command continues them and skips what is measured already, so you may stop it at any
time. All runs take their first number of steps before one takes more. Each measurement is a line of
OUT/distances.jsonl. After each, the table of all measurements is printed as Markdown.
"""

import argparse
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import imgxlate
from imgxlate.config import assignment
from imgxlate.images.decode import decode
from imgxlate.images.image_array import ImageArray
from imgxlate.inference import style_codes
from imgxlate.inference.model import Model
from imgxlate.inference.translation import resized
from imgxlate.methods.protocol import StyleSampler
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.metrics.distributions import SetFeatures, kernel_distance
from imgxlate.metrics.feature_networks import bundled_vgg, vgg_features

ALL, NONE = "all", "none"
STEPS = [1000, 2000, 4000, 8000, 16_000]
# Two cores train it in hours. Without a decay of the learning rate, a run can go on after each measurement.
SMALLER = ["gen.ngf=8", "gen.n_blocks=3", "lr_decay_share=0"]

Images = dict[Domain, list[ImageArray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--counts", nargs="+", default=["50", "100", ALL], help="images of A")
    parser.add_argument("--augment", nargs="+", default=[NONE, "color,translation,cutout"], help="values of the option")
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--method", default="cyclegan")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--size", type=int, default=72, help="shorter side of the images, in pixels")
    parser.add_argument("--crop", type=int, default=64, help="sides of the crops, in pixels")
    parser.add_argument("--held-out", type=int, default=60, help="images of each domain that are measured")
    parser.add_argument("--set", nargs="*", default=SMALLER, metavar="KEY=VALUE", help="other values")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images: Images = {
        domain: [resized(decode(file), arguments.size) for file in files(arguments.data / f"test{domain}")]
        for domain in DOMAINS
    }
    images = {domain: held_out[: arguments.held_out] for domain, held_out in images.items()}
    features = vgg_features(bundled_vgg(torch.device("cpu")))
    real = {domain: features(held_out) for domain, held_out in images.items()}
    results = arguments.out / "distances.jsonl"
    for steps, seed, count, augment in itertools.product(
        arguments.steps, arguments.seeds, arguments.counts, arguments.augment
    ):
        key = {"count": count, "augment": augment, "seed": seed, "steps": steps}
        if any(key.items() <= row.items() for row in rows(results)):
            continue
        model = train(arguments, steps, seed, count, augment)
        distances = measure(model, images, features, real)
        with results.open("a") as file:
            file.write(json.dumps(key | distances) + "\n")
        print(table(rows(results)), flush=True)


def train(arguments: argparse.Namespace, steps: int, seed: int, count: str, augment: str) -> Model:
    """The model of a run after `steps` steps. The run sets no images aside for evaluations of its own."""
    sizes = {"data.new_size": arguments.size, "data.crop_height": arguments.crop, "data.crop_width": arguments.crop}
    names = {"data.domain_a": "A", "data.domain_b": "B"}
    own = {"iterations": steps, "seed": seed, "augment": "" if augment == NONE else augment}
    run = imgxlate.train(
        arguments.method,
        subset(arguments.data / "trainA", arguments.out / f"images-{count}", count),
        arguments.data / "trainB",
        out=arguments.out / f"{count}-{augment.replace(',', '+')}-{seed}",
        preset=arguments.preset,
        settings={"data.workers": 1, "display_size": 2, "evaluate_every": 0}
        | sizes
        | names
        | own
        | dict(map(assignment, arguments.set)),
        resume=True,
    )
    return run.model


def subset(source: Path, folder: Path, count: str) -> Path:
    """A folder with links to `count` images of `source`."""
    if count == ALL:
        return source
    folder.mkdir(parents=True, exist_ok=True)
    for file in random.Random(0).sample(files(source), int(count)):
        if not (folder / file.name).exists():
            (folder / file.name).symlink_to(file.absolute())
    return folder


def measure(model: Model, images: Images, features: SetFeatures, real: dict[Domain, Tensor]) -> dict[str, float]:
    """The kernel distance of the translated images to each domain."""
    found = {}
    for domain in DOMAINS:
        distance = kernel_distance(features(translated(model, images[OTHER[domain]], domain)), real[domain])
        found[f"to_{domain.lower()}"] = distance[0] if distance else float("nan")
    return found


def translated(model: Model, images: Sequence[ImageArray], to: Domain) -> Iterator[ImageArray]:
    """Each image once; each by another style code, if the method has them."""
    for index, image in enumerate(images):
        codes = None
        if isinstance(model.translator, StyleSampler):
            codes = torch.tensor(style_codes.sample(1, model.translator.style_dim, index).codes)
        yield from model.translate_array(image, to, codes)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def rows(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def table(found: list[dict[str, Any]]) -> str:
    head = ["images of A", "augment", "seed", "steps", "kd-vgg19 to A", "kd-vgg19 to B"]
    body = [[*map(str, list(row.values())[:4]), f"{row['to_a']:.4f}", f"{row['to_b']:.4f}"] for row in found]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body))


if __name__ == "__main__":
    main()
