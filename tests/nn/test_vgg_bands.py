import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from imgxlate.nn.vgg import CONVENTIONS, Pooling, Vgg
from imgxlate.nn.vgg_bands import BandedFeatures, Features, band_memory, blocks, compute

CPU = torch.device("cpu")
NAMES = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1")
LAYERS = [*NAMES, *(name.replace("conv", "relu") for name in NAMES), "pool1", "pool2", "pool3"]


def small_network(
    width: int = 3, pooling: Pooling = "max", omitted: tuple[str, ...] = (), dtype: torch.dtype = torch.float64
) -> Vgg:
    """A network with four blocks. With `width` 40, the map of pool1 is too large to be kept."""
    generator = torch.Generator().manual_seed(0)
    inputs, convolutions = 3, {}
    for name in NAMES:
        outputs = width if name < "conv3" else 5
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator) / (3 * inputs**0.5)
        convolutions[name] = weight, torch.randn(outputs, generator=generator)
        inputs = outputs
    network = Vgg(convolutions, CONVENTIONS["torchvision"], pooling, omitted)
    network.place(CPU, dtype)
    return network


def random_image(height: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1)).to(dtype) * 2 - 1


def by_features(features: Features) -> Tensor:
    """The gradient of the sum of x^3 / 3 over a layer."""
    return features.values.square()


def whole_gradient(network: Vgg, image: Tensor, layers: tuple[str, ...]) -> Tensor:
    image = image.clone().requires_grad_()
    features = network(image, layers)
    [gradient] = torch.autograd.grad(sum((each**3).sum() / 3 for each in features.values()), image)
    return gradient


def assert_same(network: Vgg, image: Tensor, layers: tuple[str, ...], memory: int) -> int:
    """Features and gradient in bands are those of the whole image. Returns the number of bands of all layers."""
    features = BandedFeatures(network, image, layers, memory)
    parts = list(features.compute())
    for name, expected in network(image, layers).items():
        found = [part for part in parts if part.layer == name]
        torch.testing.assert_close(torch.cat([part.values for part in found], 2), expected, rtol=1e-10, atol=1e-10)
        assert [part.rows.top for part in found] == [0, *(part.rows.bottom for part in found[:-1])]
    expected = whole_gradient(network, image, layers)
    assert (features.gradient(by_features) - expected).norm() <= 1e-10 * expected.norm()
    return len(parts)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(8, 70),
    width=st.integers(8, 30),
    memory=st.sampled_from([1, 20_000, 60_000, 200_000, 10**7]),
    channels=st.sampled_from([3, 40]),
    pooling=st.sampled_from(["max", "average"]),
    omitted=st.sets(st.sampled_from(["pool1", "pool2", "pool3"])),
    data=st.data(),
)
def test_features_and_gradient_in_bands_are_those_of_the_whole_image(
    height: int, width: int, memory: int, channels: int, pooling: Pooling, omitted: set[str], data: st.DataObject
) -> None:
    network = small_network(channels, pooling, tuple(omitted))
    kept = sorted(set(LAYERS) - omitted)
    layers = tuple(data.draw(st.lists(st.sampled_from(kept), min_size=1, max_size=5, unique=True)))
    assert_same(network, random_image(height, width), layers, memory)


def test_bands_may_be_smaller_than_their_halo() -> None:
    network = small_network(40)
    [first, *_] = blocks(network, ("relu4_1",))
    assert first.halo > first.stride
    assert assert_same(network, random_image(64, 20), ("relu1_1",), memory=1) == 64  # one row each
    assert assert_same(network, random_image(64, 20), ("relu4_1",), memory=1) == 8


def test_without_layers_the_gradient_is_zero() -> None:
    features = BandedFeatures(small_network(), random_image(16, 16), (), memory=1)
    assert list(features.compute()) == []
    assert not features.gradient(by_features).any()


def test_the_network_is_cut_at_poolings_whose_maps_are_small() -> None:
    assert [[*block.layers][-1] for block in blocks(small_network(3), ("relu4_1",))] == [
        "pool1",
        "pool2",
        "pool3",
        "relu4_1",
    ]
    assert [[*block.layers][-1] for block in blocks(small_network(40), ("pool3",))] == ["pool2", "pool3"]


def test_more_memory_gives_fewer_bands() -> None:
    network, image = small_network(dtype=torch.float32), random_image(256, 32, torch.float32)
    counts = [
        len(list(compute(network, image, ["relu1_2"], band_memory(network, ["relu1_2"], 32, rows))))
        for rows in (16, 64, 256)
    ]
    assert counts == [16, 4, 1]


def test_in_bfloat16_the_gradient_is_that_of_the_whole_image_up_to_rounding() -> None:
    network, image = small_network(dtype=torch.bfloat16), random_image(60, 40, torch.float32)
    features = BandedFeatures(network, image, ("relu1_1", "relu3_1"), memory=20_000)
    for _ in features.compute():
        pass
    expected = whole_gradient(network, image, ("relu1_1", "relu3_1"))
    assert (features.gradient(by_features) - expected).norm() < 0.02 * expected.norm()
