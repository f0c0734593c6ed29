"""The numbers of a model on test images."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from imgxlate.callbacks import ignore
from imgxlate.errors import WeightsError
from imgxlate.images.decode import decode
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.loading import ModelFile, load_model
from imgxlate.methods import registry
from imgxlate.metrics.distributions import frechet_distance, kernel_distance
from imgxlate.metrics.feature_networks import INCEPTION, bundled_vgg, vgg_features
from imgxlate.training import evaluator, run_model
from imgxlate.weights.store import Store

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vgg():
    return bundled_vgg(CPU)


@pytest.fixture
def images(photo):
    """Two images of A and three of B."""
    return {
        "A": [decode(photo(f"a{n}.png", size=(32, 40), seed=n)) for n in range(2)],
        "B": [decode(photo(f"b{n}.png", size=(40, 32), seed=10 + n)) for n in range(3)],
    }


@pytest.fixture
def model(generators):
    return lambda method: run_model.build_model(*generators(method), CPU, Arithmetic())


@pytest.fixture
def measure(images, vgg):
    """Measure a model with the bundled VGG-19. Returns its numbers, and how many images were done."""
    loaded = evaluator.Evaluator(images, vgg, vgg_features(vgg))

    def finish(model):
        work, count = loaded.measure(model), 0
        while True:
            try:
                next(work)
                count += 1
            except StopIteration as end:
                return end.value, count

    return finish


def test_both_directions_are_measured_and_real_images_only_once(measure, model):
    unit = model("unit")
    first, count = measure(unit)
    again, count_again = measure(unit)
    assert list(first) == [f"{name}_{to}" for to in "ba" for name in ("kd-vgg19", "fd-vgg19", "content-distance")]
    assert (count, count_again) == (10, 5)  # five translations; and at first, five real images
    assert again == first


def test_the_distances_are_those_of_the_translations_to_the_real_images(measure, model, images, vgg):
    unit = model("unit")
    features = vgg_features(vgg)
    generated = features(next(unit.translate_array(image, "B")) for image in images["A"])
    numbers, _ = measure(unit)
    assert numbers["kd-vgg19_b"] == kernel_distance(generated, features(images["B"]))[0]
    assert numbers["fd-vgg19_b"] == frechet_distance(generated, features(images["B"]))


def test_a_method_with_styles_has_a_diversity_and_draws_the_same_styles_again(measure, model):
    munit = model("munit")
    before = torch.get_rng_state()
    first, _ = measure(munit)
    assert torch.equal(torch.get_rng_state(), before)
    assert first["vgg19-distance_a"] > 0
    assert first["vgg19-distance_b"] > 0
    assert measure(munit)[0] == first


def test_a_model_of_one_direction_has_the_numbers_of_that_direction(measure, golden, tmp_path):
    file = Path(shutil.copy(golden / "cyclegan" / "latest_net_G_A.pth", tmp_path))
    one_way = load_model(registry.find("cyclegan"), ModelFile("mine", file), CPU, Arithmetic())
    numbers, count = measure(one_way)
    assert list(numbers) == ["kd-vgg19_b", "fd-vgg19_b", "content-distance_b"]
    assert count == 5


@pytest.fixture
def stored(inception_file, monkeypatch):
    """Stands in for the published network in the store, which has 96 MB. Lists how it was fetched."""
    fetched, path_of = [], Store.path

    def path(store, card, *, offline=False, **_):
        if card.name != INCEPTION:
            return path_of(store, card)
        fetched.append((card.name, offline))
        return inception_file

    monkeypatch.setattr(Store, "record", lambda store, name: name)
    monkeypatch.setattr(Store, "path", path)
    return fetched


def choose(metrics, every=5, offline=False):
    config = replace(registry.find("unit").training.presets["tiny"], metrics=metrics, evaluate_every=every)
    return evaluator.find_inception(config, offline, ignore, ignore)


def test_the_published_network_gives_kid_and_fid(stored, images):
    loaded = evaluator.load(images, choose("published"), CPU)
    assert (loaded.features.kernel_name, loaded.features.frechet_name) == ("kid", "fid")
    assert loaded.features(images["A"]).shape == (2, 2048)


def test_by_default_the_published_network_is_taken_only_if_it_is_in_the_store(stored, monkeypatch):
    assert choose("auto") is not None
    assert choose("vgg19") is None
    assert choose("auto", every=0) is None
    monkeypatch.setattr(Store, "record", lambda store, name: None)
    assert choose("auto") is None
    assert stored == [("fid-inception", False)]


def test_without_torch_fidelity_the_published_network_is_an_error_if_it_is_chosen(stored, monkeypatch):
    monkeypatch.setattr("imgxlate.metrics.feature_networks.find_spec", lambda name: None)
    assert choose("auto") is None
    with pytest.raises(WeightsError, match="torch-fidelity, which is not installed"):
        choose("published")
    assert stored == []
