from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import CONVENTIONS
from imgxlate.paths import assets_dir

BLOCKS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
Tensors = dict[str, Tensor]


@pytest.fixture(scope="module")
def bundled() -> Checkpoint:
    return checkpoint.read(assets_dir() / "vgg19.safetensors")


@pytest.fixture(scope="module")
def original(bundled: Checkpoint) -> vgg_files.Convolutions:
    return vgg_files.convolutions_of(bundled)


def opened(tensors: Tensors, name: str = "mine.pth", **header: Any) -> Checkpoint:
    return Checkpoint(Path(name), tensors, header)


def names_and_numbers(depth: int) -> Iterator[tuple[str, int]]:
    """The name of each convolution and its number in torchvision's `features`."""
    number = 0
    for block, places in enumerate(BLOCKS[depth], start=1):
        for place in range(1, places + 1):
            yield f"conv{block}_{place}", number
            number += 2
        number += 1


def random_state(depth: int, key: Callable[[str, int], str]) -> Tensors:
    state, inputs = {}, 3
    generator = torch.Generator().manual_seed(depth)
    for name, number in names_and_numbers(depth):
        outputs = 4 + int(name[4])
        state[f"{key(name, number)}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator)
        state[f"{key(name, number)}.bias"] = torch.randn(outputs, generator=generator)
        inputs = outputs
    return state


def numbered(name: str, number: int) -> str:
    return f"features.{number}"


def classifier() -> Tensors:
    return {f"classifier.{number}.weight": torch.zeros(1, 1) for number in (0, 3, 6)}


def test_the_bundled_file_holds_the_weights_of_vgg19_in_caffes_convention(bundled: Checkpoint) -> None:
    convolutions = vgg_files.convolutions_of(bundled)
    assert list(convolutions) == [name for name, _ in names_and_numbers(19)]
    assert sum(weight.numel() + bias.numel() for weight, bias in convolutions.values()) == 20_024_384
    assert vgg_files.convention_of(bundled, convolutions).name == "caffe"
    assert all(weight.unique().numel() <= 256 for weight, _ in convolutions.values())


@pytest.mark.parametrize("depth", [16, 19])
@pytest.mark.parametrize(
    "key",
    [
        numbered,
        lambda name, number: name,
        lambda name, number: str(number),
        lambda name, number: f"module.features.{number}",
    ],
    ids=["torchvision", "caffe names", "features alone", "wrapped"],
)
def test_the_same_network_is_read_under_any_known_keys(depth: int, key: Callable[[str, int], str]) -> None:
    state = random_state(depth, key)
    network = vgg_files.load(opened(state), convention="torchvision")
    expected = random_state(depth, lambda name, number: name)
    for name, _ in names_and_numbers(depth):
        assert torch.equal(network.convolutions[name].weight, expected[f"{name}.weight"])
        assert torch.equal(network.convolutions[name].bias, expected[f"{name}.bias"])
    assert network.layers[-1] == "pool5"


def test_the_original_weights_are_recognized_by_their_values(original: vgg_files.Convolutions) -> None:
    assert vgg_files.convention_of(opened({}), original).name == "caffe"


def test_the_original_weights_are_recognized_in_reversed_channel_order(original: vgg_files.Convolutions) -> None:
    weight, bias = original["conv1_1"]
    reversed_order = {**original, "conv1_1": (weight.flip(1), bias)}
    assert vgg_files.convention_of(opened({}), reversed_order).name == "caffe-rgb"


def test_the_original_weights_are_recognized_after_normalization(original: vgg_files.Convolutions) -> None:
    weight, bias = original["conv1_1"]
    scale = torch.linspace(0.1, 3.0, 64)
    normalized = {**original, "conv1_1": (weight * scale.view(-1, 1, 1, 1), bias * scale)}
    assert vgg_files.convention_of(opened({}), normalized).name == "caffe"


def test_the_original_weights_take_precedence_over_a_copied_classifier(original: vgg_files.Convolutions) -> None:
    assert vgg_files.convention_of(opened(classifier()), original).name == "caffe"


@pytest.mark.parametrize(
    ("name", "convention"),
    [
        ("vgg19-d01eb7cb.pth", "caffe"),
        ("vgg19-dcbb9e9d.pth", "torchvision"),
        ("vgg16_features-amdegroot-88682ab5.pth", "caffe-rgb"),
    ],
)
def test_published_files_are_recognized_by_the_hash_in_their_name(name: str, convention: str) -> None:
    assert vgg_files.convention_of(opened({}, name), {}) == CONVENTIONS[convention]


def test_another_vgg19_with_torchvisions_classifier_is_torchvisions() -> None:
    state = opened({**random_state(19, numbered), **classifier()})
    assert vgg_files.convention_of(state, vgg_files.convolutions_of(state)).name == "torchvision"


@pytest.mark.parametrize("tensors", [random_state(19, numbered), {**random_state(16, numbered), **classifier()}])
def test_unknown_weights_are_refused_with_the_option_to_set(tensors: Tensors) -> None:
    with pytest.raises(CheckpointError, match="how pixels must be prepared") as caught:
        vgg_files.load(opened(tensors))
    assert "convention" in str(caught.value.hint)


def test_the_convention_is_read_from_our_header() -> None:
    state = opened(random_state(19, lambda name, number: name), method="vgg", convention="caffe-rgb")
    assert vgg_files.convention_of(state, vgg_files.convolutions_of(state)).name == "caffe-rgb"


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"dec.model.0.weight": torch.zeros(3)}, "neither conv1_1 nor features.0"),
        ({**random_state(19, numbered), "features.1.running_mean": torch.zeros(5)}, "batch normalization"),
        ({"conv1_1.weight": torch.zeros(4, 3, 5, 5), "conv1_1.bias": torch.zeros(4)}, r"\(4, 3, 5, 5\)"),
        ({"conv1_1.table": torch.zeros(256)}, "conv1_1 has a table of weights, and no indices"),
        ({"conv1_1.table": torch.zeros(256), "conv1_1.indices": torch.ones(4, 3, 3, 3)}, "no indices into it in 8"),
        ({"conv1_1.table": torch.zeros(256), "conv1_1.indices": torch.ones(0, dtype=torch.uint8)}, "no indices"),
        ({"conv1_1.table": torch.zeros(7), "conv1_1.indices": torch.tensor(7, dtype=torch.uint8)}, r"beyond .*\(7,\)"),
        ({"conv1_1.table": torch.zeros(()), "conv1_1.indices": torch.tensor(0, dtype=torch.uint8)}, r"beyond .*\(\)"),
        ({"conv1_1.weight": torch.ones(4, 3, 3, 3).int(), "conv1_1.bias": torch.zeros(4)}, "whole numbers"),
        ({"conv1_1.weight": torch.zeros(4, 3, 3, 3)}, r"bias \(0,\)"),
        ({f"features.{n}.weight": torch.zeros(4, 3, 3, 3) for n in (0, 7)}, "layer 7 follows layer 0"),
    ],
)
def test_a_file_without_a_vgg_is_refused_with_the_reason(tensors: Tensors, reason: str) -> None:
    with pytest.raises(CheckpointError, match=f"mine.pth.*{reason}"):
        vgg_files.load(opened(tensors))
