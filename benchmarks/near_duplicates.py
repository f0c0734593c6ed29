"""How many copies of images `imgxlate data check` finds, and how many different images it takes for copies.

    python benchmarks/near_duplicates.py FOLDER...

Of each folder, 250 images are copied in each of the ways below. A copy is found if it is near its original. The pairs
that are found among the images themselves are listed, to be looked at.
"""

import argparse
import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from imgxlate.data.perceptual_hash import Hashes, hashes, near_pairs
from imgxlate.data.survey import Surveyed, examine
from imgxlate.images.decode import decode
from imgxlate.images.inputs import walk

COPIED = 250

COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG of quality 60": lambda image: encoded(image, 60),
    "half as large, JPEG of quality 90": lambda image: encoded(scaled(image, 0.5), 90),
    "0.7 times as large": lambda image: scaled(image, 0.7),
    "brighter by 15 %": lambda image: image.point(lambda value: min(255, int(1.15 * value + 8))),
    "mirrored": ImageOps.mirror,
    "mirrored, JPEG of quality 60": lambda image: encoded(ImageOps.mirror(image), 60),
    "cropped by 2 % on each side": lambda image: cropped(image, 0.02, 0.02),
    "cropped by 2 %, half as large, quality 60": lambda image: encoded(scaled(cropped(image, 0.02, 0.02), 0.5), 60),
    "cropped by 5 % on each side": lambda image: cropped(image, 0.05, 0.05),
    "cropped by 7 % on each side": lambda image: cropped(image, 0.07, 0.07),
    "cropped by 3 % on one side": lambda image: cropped(image, 0.03, 0),
    "cropped by 5 % on one side": lambda image: cropped(image, 0.05, 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    for folder in parser.parse_args().folders:
        found = [image for image in examine(sorted(walk(Path(folder)))) if isinstance(image, Surveyed)]
        pairs = near_pairs([image.hashes for image in found])
        near = {frozenset((pair.first, pair.second)) for pair in pairs}
        print(f"{folder}: {len(found):,} images, {len(found) * (len(found) - 1) // 2:,} pairs, {len(near)} near ones")
        for first, second in sorted(map(sorted, near)):
            print(f"  {found[first].path} {found[second].path}")
        chosen = random.Random(0).sample(found, min(COPIED, len(found)))
        images = [Image.fromarray(decode(image.path).rgb) for image in chosen]
        for name, copy in COPIES.items():
            hits = [is_found(one.hashes, copy(image)) for one, image in zip(chosen, images, strict=True)]
            print(f"  {name}: {sum(hits) / len(hits):.1%}")


def is_found(original: Hashes, copy: Image.Image) -> bool:
    return any(near_pairs([original], [hashes(np.asarray(copy))]))


def encoded(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(factor * image.width), round(factor * image.height)), Image.Resampling.LANCZOS)


def cropped(image: Image.Image, left: float, others: float) -> Image.Image:
    x, y = round(others * image.width), round(others * image.height)
    return image.crop((round(left * image.width), y, image.width - x, image.height - y))


if __name__ == "__main__":
    main()
