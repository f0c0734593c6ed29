import pytest
import torch
from torch import Tensor, nn

from imgxlate.errors import UsageError
from imgxlate.nn.vgg import CONVENTIONS, Vgg

WIDTHS = {"conv1_1": 4, "conv1_2": 5, "conv2_1": 6, "conv3_1": 7}


def random_convolutions() -> dict[str, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    convolutions, inputs = {}, 3
    for name, outputs in WIDTHS.items():
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator)
        convolutions[name] = (weight, torch.randn(outputs, generator=generator))
        inputs = outputs
    return convolutions


@pytest.fixture
def network() -> Vgg:
    return Vgg(random_convolutions(), CONVENTIONS["torchvision"])


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 16, 12, generator=torch.Generator().manual_seed(2)) * 2 - 1


def test_layers_are_named_in_the_order_of_the_network(network: Vgg) -> None:
    assert network.layers == (
        *("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"),
        *("conv2_1", "relu2_1", "pool2", "conv3_1", "relu3_1", "pool3"),
    )


def test_features_equal_those_of_a_sequence_of_torch_layers(network: Vgg, images: Tensor) -> None:
    convolutions = random_convolutions()
    reference: Tensor = images
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    reference = ((images + 1) / 2 - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    expected = {}
    for name, (weight, bias) in convolutions.items():
        if name in ("conv2_1", "conv3_1"):
            reference = expected[f"pool{int(name[4]) - 1}"] = nn.MaxPool2d(2)(reference)
        expected[name] = nn.functional.conv2d(reference, weight, bias, padding=1)
        reference = expected[f"relu{name.removeprefix('conv')}"] = nn.ReLU()(expected[name])
    found = network(images, tuple(expected))
    assert set(found) == set(expected)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-4)


def test_average_pooling_averages(images: Tensor) -> None:
    network = Vgg(random_convolutions(), CONVENTIONS["torchvision"], "average")
    found = network(images, ("relu1_2", "pool1"))
    torch.testing.assert_close(found["pool1"], nn.AvgPool2d(2)(found["relu1_2"]))


def test_caffe_weights_get_blue_first_in_gray_levels_minus_the_mean() -> None:
    weight = torch.zeros(3, 3, 3, 3)
    for channel in range(3):
        weight[channel, channel, 1, 1] = 1.0
    network = Vgg({"conv1_1": (weight, torch.zeros(3))}, CONVENTIONS["caffe"])
    red, green, blue = 200.0, 100.0, 50.0
    image = torch.tensor([red, green, blue]).view(1, 3, 1, 1) / 127.5 - 1
    seen = network(image, ["conv1_1"])["conv1_1"].flatten()
    torch.testing.assert_close(
        seen, torch.tensor([blue - 103.939, green - 116.779, red - 123.68]), rtol=1e-4, atol=1e-3
    )


def test_rgb_order_gives_the_same_features_as_bgr_with_reversed_weights(images: Tensor) -> None:
    convolutions = random_convolutions()
    weight, bias = convolutions["conv1_1"]
    blue_first = Vgg(convolutions, CONVENTIONS["caffe"])
    red_first = Vgg({**convolutions, "conv1_1": (weight.flip(1), bias)}, CONVENTIONS["caffe-rgb"])
    torch.testing.assert_close(
        blue_first(images, ["relu3_1"])["relu3_1"], red_first(images, ["relu3_1"])["relu3_1"], rtol=0, atol=0
    )


def test_nothing_deeper_than_the_deepest_layer_is_computed(network: Vgg) -> None:
    narrow = torch.zeros(1, 3, 2, 2)  # too small for pool3
    assert list(network(narrow, ["conv1_1", "pool1"])) == ["conv1_1", "pool1"]
    assert network(narrow, ()) == {}


def test_it_differentiates_with_respect_to_images_only(network: Vgg, images: Tensor) -> None:
    images.requires_grad_()
    network(images, ["relu3_1"])["relu3_1"].sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_bfloat16_features_are_near_those_of_float32(
    network: Vgg, images: Tensor, memory_format: torch.memory_format
) -> None:
    exact = network(images, ["relu3_1"])["relu3_1"]
    network.place(torch.device("cpu"), torch.bfloat16, memory_format)
    rounded = network(images, ["relu3_1"])["relu3_1"]
    assert rounded.dtype == torch.bfloat16
    assert rounded.is_contiguous(memory_format=memory_format)
    assert (rounded.float() - exact).norm() < 0.02 * exact.norm()


def test_an_omitted_pooling_keeps_the_size(images: Tensor) -> None:
    without = Vgg(random_convolutions(), CONVENTIONS["torchvision"], omitted=("pool2",))
    assert "pool2" not in without.layers
    assert without(images, ("relu3_1",))["relu3_1"].shape == (2, 7, 8, 6)


def test_a_missing_layer_is_named_with_the_nearest_one(network: Vgg) -> None:
    network.require(["relu3_1"])
    with pytest.raises(UsageError, match="no layer 'relu3_2'") as caught:
        network.require(["relu1_1", "relu3_2"])
    assert "relu3_1" in str(caught.value.hint)
