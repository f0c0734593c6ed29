import pytest
import torch
from torch import nn

from imgxlate.evaluate.distances import ALL_PAIRS, MUNIT_PAIRS, Pairs, VggDistance, diversity, diversity_measure
from imgxlate.evaluate.trunks import TrunkSource, bundled_vgg, find_distance
from imgxlate.nn.vgg import CONVENTIONS, Vgg
from imgxlate.vision import torchvision

CPU = torch.device("cpu")
LPIPS_CHANNELS = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}
VGG16 = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3")


@pytest.fixture(scope="module")
def vgg():
    return bundled_vgg(CPU)


@pytest.fixture
def distance(vgg):
    return VggDistance(vgg)


def pictures(count, size=(32, 48), seed=0):
    return list((torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed)) * 2 - 1).split(1))


def between(distance, one, other):
    return distance.between(distance.look(one, one.shape[-2:]), distance.look(other, one.shape[-2:]))


def test_it_is_a_tenth_of_what_torchmetrics_makes_of_linear_heads_of_ones(monkeypatch):
    """Half of the squared distance, averaged over five layers: LPIPS' sum over layers by 2 x 5."""
    torchvision()
    from torchmetrics.functional.image import lpips

    with torch.random.fork_rng():
        torch.manual_seed(0)
        features = nn.Sequential(*_vgg16_layers())
    monkeypatch.setattr(lpips, "_get_tv_model_features", lambda *_: features)
    reference = lpips._LPIPS(net="vgg", pretrained=False, pnet_rand=True)
    for head in reference.lins:
        nn.init.ones_(head.model[-1].weight)
    convolutions = [layer for layer in features if isinstance(layer, nn.Conv2d)]
    named = {
        f"conv{name}": (layer.weight.detach(), layer.bias.detach())
        for name, layer in zip(VGG16, convolutions, strict=True)
    }
    network = Vgg(named, CONVENTIONS["torchvision"])
    ours = VggDistance(network, ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"))
    one, other = pictures(2)
    # torchmetrics rounds torchvision's means to three digits.
    assert between(ours, one, other) == pytest.approx(float(reference(one, other)) / 10, rel=5e-3)


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


def test_a_distance_lies_between_identical_pictures_and_such_that_share_nothing(distance):
    one, other = pictures(2)
    assert between(distance, one, one.clone()) == 0.0
    assert 0 < between(distance, one, other) < 1
    assert between(distance, one, other) == between(distance, other, one)


def test_a_small_change_is_nearer_than_a_large_one(distance):
    one, noise = pictures(2)
    near, far = ((one + share * noise).clamp(-1, 1) for share in (0.05, 0.5))
    assert between(distance, one, near) < between(distance, one, far)


def test_diversity_is_the_mean_over_all_pairs(distance):
    first, second, third = outputs = pictures(3)
    pairs = [between(distance, *pair) for pair in ((first, second), (first, third), (second, third))]
    assert diversity(distance, outputs) == pytest.approx(sum(pairs) / 3)


def test_independent_pairs_share_no_output(distance):
    outputs = pictures(5)
    expected = [between(distance, outputs[0], outputs[1]), between(distance, outputs[2], outputs[3])]
    assert diversity(distance, outputs, Pairs(each=2)) == pytest.approx(sum(expected) / 2)


def test_diversity_looks_at_each_output_once(distance):
    class Counting:
        seen = 0

        def look(self, image, size):
            self.seen += 1
            return distance.look(image, size)

        between = distance.between

    counting = Counting()
    diversity(counting, pictures(4))
    assert counting.seen == 4


def test_a_method_that_makes_the_same_picture_again_has_no_diversity(distance):
    picture = pictures(1)[0]
    assert diversity(distance, [picture, picture.clone(), picture.clone()]) == 0.0


@pytest.mark.parametrize("outputs", [0, 1])
def test_too_few_outputs_have_no_diversity(distance, outputs):
    assert diversity(distance, pictures(2)[:outputs]) is None


def test_outputs_of_another_size_are_compared_at_the_size_of_the_first(distance):
    small, large = pictures(1)[0], pictures(1, (64, 96))[0]
    assert diversity(distance, [small, large]) > 0


def test_the_protocol_of_munit_has_1900_pairs_of_outputs_of_their_own():
    pairs = MUNIT_PAIRS.of(MUNIT_PAIRS.outputs)
    assert MUNIT_PAIRS.inputs * len(pairs) == 1900
    assert sorted(index for pair in pairs for index in pair) == list(range(38))


def test_a_protocol_refuses_fewer_outputs_than_it_takes():
    with pytest.raises(ValueError, match="38 outputs, not 37"):
        MUNIT_PAIRS.of(37)


@pytest.mark.parametrize(
    ("pairs", "inputs", "outputs", "said"),
    [
        (MUNIT_PAIRS, 120, 38, "100 inputs x 19 independent pairs = 1900 pairs"),
        (MUNIT_PAIRS, 7, 38, "7 inputs x 19 independent pairs = 133 pairs (the protocol asks for 100 inputs)"),
        (ALL_PAIRS, 7, 4, "7 inputs x 6 pairs of 4 outputs = 42 pairs"),
    ],
)
def test_a_protocol_says_how_many_pairs_it_takes(pairs, inputs, outputs, said):
    assert pairs.describe(inputs, outputs) == said


def test_the_measure_says_pairs_trunk_and_sizes(vgg):
    measure = diversity_measure(find_distance(TrunkSource("vgg19", CPU), vgg), MUNIT_PAIRS, 100, 38)
    assert measure.name == "vgg19-distance"
    assert all(part in measure.how for part in ("1900 pairs", "VGG-19", "256 pixels", "not LPIPS"))
