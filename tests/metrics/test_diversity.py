"""Diversity, and the distance that it is measured with."""

import numpy as np
import pytest
import torch
from torch import nn

from imgxlate.images.image_array import ImageArray
from imgxlate.metrics.diversity import ALL_PAIRS, MUNIT_PAIRS, PerceptualDistance, diversity, diversity_measure
from imgxlate.metrics.feature_networks import bundled_vgg, vgg_distance
from imgxlate.vision import torchvision

CPU = torch.device("cpu")
LPIPS_CHANNELS = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}
VGG16 = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3")


@pytest.fixture(scope="module")
def distance():
    return vgg_distance(bundled_vgg(CPU))


def images(count, size=(32, 48), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    return [ImageArray(each) for each in pixels]


def between(distance, one, other):
    return distance.between(distance.features(one), distance.features(other))


def test_the_formula_equals_torchmetrics_with_any_network_and_weights(monkeypatch):
    torchvision()
    from torchmetrics.functional.image import lpips

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(*_vgg16_layers())
    monkeypatch.setattr(lpips, "_get_tv_model_features", lambda *_: network)
    reference = lpips._LPIPS(net="vgg", pretrained=False, pnet_rand=True)
    ours = PerceptualDistance(
        name="test",
        title="test",
        how="",
        network=lambda tensor: tuple(reference.net(reference.scaling_layer(tensor))),
        weights=[head.model[-1].weight.detach() for head in reference.lins],
        divisor=1,
        device=CPU,
    )
    one, other = images(2)
    tensors = (torch.tensor(each.rgb).permute(2, 0, 1)[None] / 127.5 - 1 for each in (one, other))
    assert between(ours, one, other) == pytest.approx(float(reference(*tensors)), rel=1e-5)


def test_the_distance_over_vgg_is_half_the_mean_over_layers(distance):
    """1 - cosine of the features at each position."""
    one, other = images(2)
    layers = zip(distance.features(one), distance.features(other), strict=True)
    expected = [float((1 - torch.cosine_similarity(first, second, dim=1)).mean()) for first, second in layers]
    assert between(distance, one, other) == pytest.approx(sum(expected) / 5, rel=1e-4)


def _vgg16_layers():
    inputs, block = 3, "1"
    for name in VGG16:
        if name[0] != block:
            yield nn.MaxPool2d(2)
            block = name[0]
        outputs = LPIPS_CHANNELS[block]
        layer = nn.Conv2d(inputs, outputs, 3, padding=1)
        nn.init.kaiming_normal_(layer.weight)
        yield layer
        yield nn.ReLU()
        inputs = outputs
    yield nn.MaxPool2d(2)


def test_a_distance_is_0_for_identical_images_and_symmetric(distance):
    one, other = images(2)
    assert between(distance, one, one) == 0.0
    assert 0 < between(distance, one, other) < 1
    assert between(distance, one, other) == between(distance, other, one)


def test_a_small_change_has_a_smaller_distance_than_a_large_one(distance):
    (one, noise) = images(2)
    near, far = (ImageArray((one.rgb * (1 - share) + noise.rgb * share).astype(np.uint8)) for share in (0.1, 0.5))
    assert between(distance, one, near) < between(distance, one, far)


def test_diversity_is_the_mean_over_all_pairs(distance):
    first, second, third = outputs = images(3)
    pairs = [between(distance, *pair) for pair in ((first, second), (first, third), (second, third))]
    assert diversity(distance, outputs) == pytest.approx(sum(pairs) / 3)


def test_independent_pairs_share_no_output(distance):
    outputs = images(4)
    expected = [between(distance, outputs[0], outputs[1]), between(distance, outputs[2], outputs[3])]
    assert diversity(distance, outputs, independent=True) == pytest.approx(sum(expected) / 2)


def test_the_features_of_each_output_are_computed_once(distance):
    seen = []

    class Counting:
        between = distance.between

        def features(self, image):
            seen.append(image)
            return distance.features(image)

    diversity(Counting(), images(4))
    assert len(seen) == 4


def test_identical_outputs_have_no_diversity(distance):
    assert diversity(distance, images(1) * 3) == 0.0


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("outputs", [0, 1])
def test_too_few_outputs_give_no_number(distance, outputs, independent):
    assert diversity(distance, images(2)[:outputs], independent=independent) is None


def test_the_protocol_of_munit_has_1900_pairs():
    assert MUNIT_PAIRS.inputs * MUNIT_PAIRS.count() == 1900


@pytest.mark.parametrize(
    ("pairs", "inputs", "text"),
    [
        (MUNIT_PAIRS, 120, "100 inputs x 19 independent pairs = 1900 pairs"),
        (MUNIT_PAIRS, 7, "7 inputs x 19 independent pairs = 133 pairs (the protocol needs 100 inputs)"),
        (ALL_PAIRS, 7, "7 inputs x 6 pairs of 4 outputs = 42 pairs"),
    ],
)
def test_a_protocol_describes_its_pairs(pairs, inputs, text):
    assert pairs.describe(inputs) == text


def test_the_measure_names_pairs_network_and_sizes(distance):
    measure = diversity_measure(distance, MUNIT_PAIRS, 100)
    assert measure.name == "vgg19-distance"
    assert all(part in measure.how for part in ("1900 pairs", "VGG-19", "256 pixels", "not LPIPS"))
