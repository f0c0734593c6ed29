import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from imgxlate.data.perceptual_hash import hashes, near_pairs


def scene(seed, side=256):
    """A random image with structures of all sizes, as photos have."""
    rng = np.random.default_rng(seed)
    layers = [
        Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)).resize((side, side), 3)
        for cells in (3, 6, 12, 24, 48)
    ]
    weighted = [np.asarray(layer, float) / (1 + number) for number, layer in enumerate(layers)]
    return Image.fromarray((sum(weighted) / 2.3).clip(0, 255).astype(np.uint8))


def encoded(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def cropped(image, part):
    margin = round(part * image.width)
    return image.crop((margin, margin, image.width - margin, image.height - margin))


COPIES = {
    "re-encoded": lambda image: encoded(image, 60),
    "smaller": lambda image: image.resize((100, 100)),
    "wider": lambda image: image.resize((400, 256)),
    "brighter": lambda image: image.point(lambda value: min(255, int(1.15 * value + 8))),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "cropped": lambda image: encoded(cropped(image, 0.02), 60),
    "cropped by 5 %": lambda image: cropped(image, 0.05),
    "mirrored": ImageOps.mirror,
    "mirrored, cropped, re-encoded": lambda image: encoded(cropped(ImageOps.mirror(image), 0.04), 60),
}


def hashed(image):
    return hashes(np.asarray(image))


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_is_near_its_original_and_nothing_else(copy):
    scenes = [hashed(scene(seed)) for seed in range(6)]
    pairs = {(pair.first, pair.second) for pair in near_pairs([hashed(COPIES[copy](scene(2)))], scenes)}
    assert pairs == {(0, 2)}


@pytest.mark.parametrize("turn", [1, -1])
def test_the_larger_one_of_two_crops_may_come_first_or_second(turn):
    images = [hashed(scene(1)), hashed(cropped(scene(1), 0.05))][::turn]
    assert {(pair.first, pair.second) for pair in near_pairs(images)} == {(0, 1)}
    assert {(pair.first, pair.second) for pair in near_pairs(images[:1], images[1:])} == {(0, 0)}


def test_only_mirror_images_are_called_mirrored():
    images = [hashed(scene(1)), hashed(ImageOps.mirror(scene(1))), hashed(encoded(scene(1), 60))]
    pairs = {(pair.first, pair.second): pair.mirrored for pair in near_pairs(images)}
    assert pairs == {(0, 1): True, (0, 2): False, (1, 2): True}


def test_different_images_are_no_pairs():
    assert list(near_pairs([hashed(scene(seed)) for seed in range(40)])) == []


def test_no_images_are_no_pairs():
    assert list(near_pairs([])) == []
    assert list(near_pairs([hashed(scene(0))], [])) == []


def test_the_hash_is_that_of_the_package_imagehash():
    x, y = np.meshgrid(np.arange(96), np.arange(64))
    image = np.stack([(3 * x + y * y // 7) % 256, (x * y // 5) % 256, (255 - 2 * y) % 256], axis=-1).astype(np.uint8)
    found = np.packbits(hashes(image).whole).tobytes().hex()
    # str(imagehash.phash(Image.fromarray(image), hash_size=16)) with ImageHash 4.3.2
    expected = "80601f8f3c6a3187673e4cd1592f725c56b3b546a89c39bb43365f6d52da5494"
    different = bin(int(found, 16) ^ int(expected, 16)).count("1")
    assert different <= 2  # Rounding differs between processors.
