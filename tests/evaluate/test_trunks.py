import os
import sys

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, NetworkError, WeightsError
from imgxlate.evaluate.trunks import TrunkSource, bundled_vgg, find_distance, find_set_features, inception, lpips
from imgxlate.paths import cache_dir
from imgxlate.vision import torchvision

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vgg():
    return bundled_vgg(CPU)


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


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    """InceptionV3 with random weights, in a file as torch-fidelity publishes them."""
    torchvision()
    from torchmetrics.image.fid import NoTrainInceptionV3

    file = tmp_path_factory.mktemp("inception") / "weights-inception-2015-12-05-6726825d.pth"
    torch.save({}, file)
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        torch.manual_seed(0)
        patch.setattr(NoTrainInceptionV3, "load_state_dict", lambda *_: None)
        network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(file))
    torch.save(network.state_dict(), file)
    return file


class Shelf:
    """A store that holds one file, under whatever name: the published ones cannot be made here."""

    def __init__(self, file):
        self.file = file
        self.asked = []

    def path(self, card, **circumstances):
        self.asked.append((card.name, circumstances["offline"]))
        return self.file


def pictures(count, size=(48, 64)):
    return (torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1).split(1)


@pytest.mark.usefixtures("hub")
def test_lpips_is_what_torchmetrics_makes_of_the_same_file(alexnet):
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    reference = LearnedPerceptualImagePatchSimilarity(net_type="alex")
    one, other = pictures(2)
    distance = lpips(checkpoint.read(alexnet), CPU)
    looks = [distance.look(picture, (48, 64)) for picture in (one, other)]
    assert distance.between(*looks) == pytest.approx(float(reference(one, other)), rel=1e-5)
    assert distance.between(looks[0], looks[0]) == 0.0


def test_features_for_fid_are_those_of_torchmetrics_with_the_same_file(inception_file):
    from torchmetrics.image.fid import NoTrainInceptionV3

    grey_levels = torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    reference = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(inception_file))(grey_levels)
    found = inception(checkpoint.read(inception_file), CPU)((grey_levels / 127.5 - 1).split(1))
    torch.testing.assert_close(found, reference.double(), rtol=1e-4, atol=1e-5)


def test_loading_leaves_other_random_numbers_alone(alexnet, inception_file):
    state = torch.random.get_rng_state()
    lpips(checkpoint.read(alexnet), CPU)
    inception(checkpoint.read(inception_file), CPU)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("load", [lpips, inception])
def test_a_file_with_another_network_is_refused(load, tmp_path):
    file = tmp_path / "other.pth"
    torch.save({"features.0.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match=r"other\.pth: is not"):
        load(checkpoint.read(file), CPU)


def test_what_the_libraries_load_is_no_file_that_was_downloaded(inception_file, monkeypatch):
    files = []
    load = torch.load
    monkeypatch.setattr(
        torch, "load", lambda file, *a, **k: files.append((file, k.get("weights_only"))) or load(file, *a, **k)
    )
    inception(checkpoint.read(inception_file), CPU)
    from_disk = [safe for file, safe in files if isinstance(file, str | os.PathLike)]
    assert from_disk == [True]


def test_published_networks_come_from_the_store(alexnet, inception_file, vgg):
    shelves = Shelf(alexnet), Shelf(inception_file)
    sources = [TrunkSource("published", CPU, offline=True, store=shelf) for shelf in shelves]
    assert find_distance(sources[0], vgg).name == "lpips"
    assert find_set_features(sources[1], vgg).frechet_name == "fid"
    assert [shelf.asked for shelf in shelves] == [[("lpips-alexnet", True)], [("fid-inception", True)]]


def test_the_bundled_network_asks_for_nothing(vgg):
    shelf = Shelf(None)
    source = TrunkSource("vgg19", CPU, notify=pytest.fail, store=shelf)
    assert find_distance(source, vgg).name == "vgg19-distance"
    assert find_set_features(source, vgg).kernel_name == "kd-vgg19"
    assert shelf.asked == []


def test_without_a_network_the_bundled_one_measures_and_says_so_once_for_each(vgg, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nobody listens
    said = []
    source = TrunkSource("auto", CPU, notify=said.append)
    assert find_distance(source, vgg).name == "vgg19-distance"
    assert find_set_features(source, vgg).frechet_name == "fd-vgg19"
    assert len(said) == 2
    assert all("cannot be downloaded" in line and "\n" not in line for line in said)
    assert [file for file in cache_dir().rglob("*") if file.is_file() and file.suffix != ".lock"] == []


def test_offline_the_bundled_network_measures_and_nothing_is_written(vgg):
    said = []
    source = TrunkSource("auto", CPU, offline=True, notify=said.append)
    assert find_distance(source, vgg).name == "vgg19-distance"
    assert "switched off" in said[0]
    assert list(cache_dir().iterdir()) == []


@pytest.mark.parametrize("find", [find_distance, find_set_features])
def test_published_networks_that_are_demanded_and_missing_are_an_error(vgg, find):
    with pytest.raises(NetworkError, match="switched off"):
        find(TrunkSource("published", CPU, offline=True), vgg)


def test_fid_without_torch_fidelity_says_what_to_install(vgg, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(WeightsError) as caught:
        find_set_features(TrunkSource("published", CPU, offline=True), vgg)
    assert "imgxlate[metrics]" in caught.value.hint
