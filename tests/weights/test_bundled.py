"""The models in the package: they match their recipes and translate as their cards say."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate import checkpoint, paths
from imgxlate.methods import registry
from imgxlate.training.recipes import resolve
from imgxlate.weights.cards import cards

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "examples" / "photos"
MODELS = [card for card in cards().values() if card.bundled and card.kind == "generator"]
models = pytest.mark.parametrize("card", MODELS, ids=lambda card: card.name)
landscapes = pytest.mark.parametrize("method", ["munit", "unit", "cyclegan"])


@pytest.fixture
def translated(run, tmp_path):
    """The images that `imgxlate translate` writes with a method's default model, as arrays from 0 to 255."""

    def translate(method, photo, *options):
        result = run("translate", method, PHOTOS / photo, *options, "--size", 112, "-o", f"{tmp_path}/{method}/")
        assert result.exit_code == 0, result.stderr
        return [np.asarray(Image.open(path)).astype(int) for path in sorted((tmp_path / method).iterdir())]

    return translate


def opened(card):
    return checkpoint.read(paths.assets_dir() / card.bundled)


def snowy(pixels):
    """The share of pixels that are fairly bright and hardly colored."""
    return float(((pixels.max(axis=2) - pixels.min(axis=2) < 70) & (pixels.mean(axis=2) > 90)).mean())


def green(pixels):
    """The share of pixels that are more green or yellow than blue."""
    _, green, blue = pixels.transpose(2, 0, 1)
    return float((green > blue + 12).mean())


def original(photo):
    return np.asarray(Image.open(PHOTOS / photo).convert("RGB").resize((168, 112))).astype(int)


@models
def test_a_model_is_what_its_recipe_makes(card):
    spec = registry.find(card.method)
    recipe = resolve(spec, file=ROOT / "recipes" / f"{card.name}.toml")
    header = opened(card).header
    defaults = asdict(type(recipe.config.gen)())  # Keys that are newer than the model have their defaults.
    assert defaults | header["architecture"] == asdict(recipe.config.gen)
    assert tuple(header["domains"]) == card.domains == (recipe.config.data.domain_a, recipe.config.data.domain_b)
    made = {key: header["card"][key] for key in ("preset", "seed", "batch_size", "size", "ema")}
    assert made == {
        "preset": recipe.preset,
        "seed": recipe.config.seed,
        "batch_size": recipe.config.batch_size,
        "size": recipe.config.data.new_size,
        "ema": recipe.config.ema,
    }
    assert 0 < header["step"] <= recipe.config.iterations


@models
def test_a_model_is_stored_in_half_precision(card):
    assert {tensor.dtype for tensor in opened(card).tensors.values() if tensor.is_floating_point()} == {torch.float16}


@landscapes
def test_to_winter_grass_turns_to_snow(translated, method):
    before = original("tea-gardens.jpg")
    (after,) = translated(method, "tea-gardens.jpg", "--to", "winter")
    assert green(before) > 0.7
    assert green(after) < 0.2
    assert snowy(after) > snowy(before) + 0.3


@landscapes
def test_to_summer_there_is_more_green_than_there_was(translated, method):
    before = original("lake-sherburne.jpg")
    (after,) = translated(method, "lake-sherburne.jpg", "--to", "summer")
    assert green(after) > green(before) + 0.1


def test_styles_of_munit_give_different_images(translated):
    images = translated("munit", "tea-gardens.jpg", "--n-styles", 4)
    means = np.array([image.mean(axis=(0, 1)) for image in images])
    assert len(images) == 4
    assert np.ptp(means, axis=0).max() > 15  # of the mean of a channel, from 0 to 255
