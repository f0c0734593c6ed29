"""The networks behind the metrics, as published and as bundled."""

import os
import sys

import numpy as np
import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, WeightsError
from imgxlate.images.image_array import ImageArray
from imgxlate.metrics.feature_networks import inception, lpips, published_or_bundled
from imgxlate.vision import torchvision

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory):
    """AlexNet's convolutions with random weights, in a file as torchvision publishes them, without its classifier."""
    generator = torch.Generator().manual_seed(0)
    weights = {
        key: torch.randn(shape, generator=generator) / max(1, shape[1:].numel()) ** 0.5
        for key, shape in alexnet_shapes().items()
        if key.startswith("features")
    }
    file = tmp_path_factory.mktemp("alexnet") / "alexnet-owt-7be5be79.pth"
    torch.save(weights, file)
    return file


@pytest.fixture
def hub(alexnet, tmp_path, monkeypatch):
    """The same weights where torchmetrics finds them without a network, with a classifier that takes no room."""
    whole = {key: torch.zeros(1).expand(shape) for key, shape in alexnet_shapes().items()}
    (tmp_path / "checkpoints").mkdir()
    torch.save(whole | checkpoint.read(alexnet).tensors, tmp_path / "checkpoints" / alexnet.name)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))


def alexnet_shapes():
    with torch.device("meta"):
        return {key: value.shape for key, value in torchvision("models").alexnet().state_dict().items()}


def reading(file):
    """Reads `file`, whatever the name of the weights."""
    return lambda name: checkpoint.read(file)


def images(count, size=(48, 64)):
    pixels = np.random.default_rng(1).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    return [ImageArray(each) for each in pixels]


def levels(image):
    """(1, 3, H, W) in uint8."""
    return torch.tensor(image.rgb).permute(2, 0, 1)[None]


@pytest.mark.usefixtures("hub")
def test_lpips_equals_torchmetrics_with_the_same_file(alexnet):
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    reference = LearnedPerceptualImagePatchSimilarity(net_type="alex")
    one, other = images(2)
    distance = lpips(reading(alexnet), CPU)
    features = [distance.features(image) for image in (one, other)]
    expected = float(reference(*(levels(image) / 127.5 - 1 for image in (one, other))))
    assert distance.between(*features) == pytest.approx(expected, rel=1e-6)
    assert distance.between(features[0], features[0]) == 0.0


def test_features_for_fid_equal_torchmetrics_with_the_same_file(inception_file):
    from torchmetrics.image.fid import NoTrainInceptionV3

    network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(inception_file))
    expected = torch.cat([network(levels(image)) for image in images(2)])
    assert torch.equal(inception(reading(inception_file), CPU)(images(2)), expected.double())


def test_loading_leaves_other_random_numbers_alone(alexnet, inception_file):
    state = torch.random.get_rng_state()
    lpips(reading(alexnet), CPU)
    inception(reading(inception_file), CPU)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("load", [lpips, inception])
def test_a_file_with_another_network_is_refused(load, tmp_path):
    file = tmp_path / "other.pth"
    torch.save({"features.0.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match=r"other\.pth: is not"):
        load(reading(file), CPU)


def test_no_library_unpickles_a_file_that_was_downloaded(alexnet, inception_file, monkeypatch):
    files = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda file, *a, **k: files.append(file) or load(file, *a, **k))
    lpips(reading(alexnet), CPU)
    inception(reading(inception_file), CPU)
    assert [file for file in files if isinstance(file, str | os.PathLike)] == []


def missing():
    raise WeightsError("alexnet is\nmissing")


NAMES = ("LPIPS", "vgg19-distance")


def test_the_published_network_is_used_if_it_is_available():
    assert [published_or_bundled(choice, lambda: 1, 2, NAMES, pytest.fail) for choice in ("auto", "published")] == [
        1,
        1,
    ]


def test_the_bundled_network_is_used_by_choice_without_looking_for_another():
    assert published_or_bundled("vgg19", pytest.fail, 2, NAMES, pytest.fail) == 2


def test_the_bundled_network_replaces_a_missing_one_and_a_message_says_so():
    lines = []
    assert published_or_bundled("auto", missing, 2, NAMES, lines.append) == 2
    (line,) = lines
    assert all(part in line for part in ("LPIPS: not available", "vgg19-distance", "alexnet is missing"))


def test_a_missing_published_network_is_an_error_if_required():
    with pytest.raises(WeightsError, match="missing"):
        published_or_bundled("published", missing, 2, NAMES, pytest.fail)


def test_fid_without_torch_fidelity_says_what_to_install_before_any_download(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(WeightsError) as caught:
        inception(pytest.fail, CPU)
    assert "imgxlate[metrics]" in caught.value.hint
