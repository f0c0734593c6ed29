import numpy as np
import pytest
from PIL import Image

from imgxlate.evaluate.results import Comparison, ImageResult, MethodResult, Row
from imgxlate.metrics.measure import Measure

RED, GREEN, BLUE, GOLD = (200, 30, 40), (20, 160, 60), (30, 60, 200), (220, 180, 30)
COLORS = {("munit", 0): GREEN, ("munit", 1): BLUE, ("unit", None): GOLD, ("gatys", None): (120, 40, 160)}


@pytest.fixture(scope="session")
def compared():
    """Builds a comparison whose images, each of one color, are drawn into a folder. Inputs are red."""

    def draw(file, color, size):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((*size, 3), color, np.uint8)).save(file)
        return file

    def row(folder, name, size, scores):
        images = [
            ImageResult(
                method=key,
                model=f"{key}-summer2winter",
                style=style,
                file=draw(folder / "images" / f"{name}.{key}.{style}.png", color, size),
                numbers={"ssim": score},
            )
            for ((key, style), color), score in zip(COLORS.items(), scores, strict=True)
        ]
        return Row(draw(folder / "photos" / name, RED, size), tuple(images))

    def build(folder, names=("lake.png", "hut.png", "10.png", "9.png"), size=(96, 128), seed=0):
        scores = np.random.default_rng(seed).uniform(0.1, 0.9, (len(names), len(COLORS))).tolist()
        rows = tuple(row(folder, name, size, some) for name, some in zip(names, scores, strict=True))
        return Comparison(
            folder=folder,
            methods=METHODS,
            measures=MEASURES,
            rows=rows,
            style_images=(draw(folder / "wave.png", BLUE, size),),
            facts={"seed": "0"},
            failures={},
            grid=Image.new("RGB", (30, 20)),
            shown=24,
        )

    return build


MEASURES = (
    Measure("ssim", "SSIM of luminance", "A window of 11 pixels.", "higher"),
    Measure("fd-vgg19", "FD over VGG-19", "Of features of the bundled network.", "lower"),
    Measure("gram", "Gram distance", "To the style images.", "lower"),
    Measure("seconds", "Time per image", "The median.", "lower", "s"),
    Measure("memory", "Peak memory", "Of the process.", None, "MiB"),
)

CARD = """# MUNIT

Made by `make models`, see [the paper](https://arxiv.org/abs/1804.04732).

| | |
|---|--:|
| steps | 100 |
"""


def _method(key, title, settings, card, numbers):
    return MethodResult(key, title, f"{key}-summer2winter", settings, card, numbers)


METHODS = (
    _method(
        *("munit", "MUNIT", {"to": "winter"}, CARD),
        {"ssim": 0.81, "fd-vgg19": 100.5, "gram": None, "seconds": 0.25, "memory": 900.0},
    ),
    _method(
        *("unit", "UNIT", {}, None),
        {"ssim": 0.9, "fd-vgg19": 99.0, "gram": None, "seconds": 10.0, "memory": 1200.0},
    ),
    _method(
        *("gatys", "Neural style", {"iterations": "500"}, CARD),
        {"ssim": 0.4, "fd-vgg19": 1000.0, "gram": 0.02, "seconds": 9.0, "memory": 800.0},
    ),
)
