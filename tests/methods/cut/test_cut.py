"""CUT against what the original gave, and the files of its generator."""

import dataclasses
import json

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.tensors import from_tensor
from imgxlate.methods.cut.config import CutConfig, CutTrainingConfig
from imgxlate.methods.cut.method import Cut
from imgxlate.methods.cut.networks import Encoder, Generator, make_discriminator
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import Generator as CycleganGenerator
from imgxlate.methods.protocol import Exportable, Translator
from imgxlate.methods.shared.checkpoints import build

CPU = torch.device("cpu")
GOLDEN = ["cut", "fastcut"]


@pytest.fixture
def file(golden):
    return golden / "cut" / "latest_net_G.pth"


@pytest.fixture
def content(file):
    return torch.load(file, weights_only=True)


@pytest.fixture
def model(load, file):
    loaded = load("cut", file)
    loaded.place(CPU, torch.float32)
    return loaded


@pytest.fixture
def saved(tmp_path):
    def save(tensors, name="latest_net_G.pth"):
        torch.save(tensors, tmp_path / name)
        return tmp_path / name

    return save


def translated(model, images, to="B"):
    (made,) = model.translate(images, to, None)
    return made


@pytest.mark.parametrize("method", GOLDEN)
def test_the_image_equals_that_of_the_original(load, golden, golden_image, forward, method):
    options = json.loads((golden / method / "options.json").read_text())
    model = load("cut", golden / method / "latest_net_G.pth", options)
    model.place(CPU, torch.float32)
    made = translated(model, golden_image(method, "a"))
    assert (made - forward(method)["a2b"]).abs().max() < 1e-4
    assert abs(from_tensor(made).astype(int) - decode(golden / method / "a2b.png").rgb).max() <= 1


@pytest.mark.parametrize("method", GOLDEN)
def test_features_and_scores_equal_those_of_the_original(golden, forward, method):
    expected = forward(method)
    options = {"ngf": 4, "n_blocks": 9}
    config = CutTrainingConfig(gen=CutConfig(**options), ndf=4)

    def network(make, name):
        return build(make, torch.load(golden / method / f"latest_net_{name}.pth", weights_only=True), name)

    features = Encoder(network(lambda: Generator(config.gen), "G"), config.nce_layers)(expected["a"])
    for layer, found in zip(config.nce_layers, features, strict=True):
        assert (found - expected[f"feature_{layer}"]).abs().max() < 1e-4
    (scores,) = network(lambda: make_discriminator(config), "D")(expected["b"])
    assert (scores - expected["d_b"]).abs().max() < 1e-4


def test_it_is_a_translator_in_one_direction(model, golden_image):
    assert isinstance(model, Translator)
    assert isinstance(model, Exportable)
    assert (model.targets, model.stride, model.minimum_side) == (("B",), 4, 8)
    for refused in (lambda: translated(model, golden_image("cut", "a"), "A"), lambda: model.image_stages("A", None)):
        with pytest.raises(UsageError, match="translates from A to B only") as caught:
            refused()
        assert "other order" in caught.value.hint


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("antialias_up", [True, False])
@pytest.mark.parametrize(("norm", "bias"), [("instance", True), ("instance_affine", True), ("batch", False)])
@pytest.mark.parametrize(("halvings", "dropout"), [(1, False), (2, True), (3, False)])
def test_every_variant_is_read_off_the_weights(
    load, saved, randomize, antialias, antialias_up, norm, bias, halvings, dropout
):
    config = CutConfig(
        ngf=2,
        n_blocks=2,
        n_downsampling=halvings,
        norm=norm,
        bias=bias,
        dropout=dropout,
        antialias=antialias,
        antialias_up=antialias_up,
    )
    network = randomize(Generator(config))
    model = load("cut", saved(network.state_dict()))
    assert model.config == config
    side = model.minimum_side
    image = torch.rand(1, 3, side, side + model.stride)
    assert torch.allclose(translated(model, image), network(image), atol=1e-6)


def test_without_anti_aliasing_the_network_is_that_of_cyclegan(load, saved, randomize):
    network = randomize(CycleganGenerator(CycleganConfig(ngf=4, n_blocks=2)))
    path = saved(network.state_dict())
    model = load("cut", path)
    assert (model.config.antialias, model.config.antialias_up) == (False, False)
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(translated(model, image), translated(load("cyclegan", path), image))


@pytest.mark.parametrize(("antialias", "antialias_up"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("halvings", [2, 3])
def test_cyclegan_refuses_an_anti_aliased_generator_and_names_cut(load, saved, antialias, antialias_up, halvings):
    config = CutConfig(ngf=2, n_blocks=2, n_downsampling=halvings, antialias=antialias, antialias_up=antialias_up)
    path = saved(Generator(config).state_dict())
    with pytest.raises(CheckpointError, match="holds generators of CUT") as caught:
        load("cyclegan", path)
    assert caught.value.hint == f"Type `imgxlate translate cut ... --checkpoint {path}`."


@pytest.mark.parametrize("name", ["latest_net_G_A.pth", "latest_net_G_B.pth", "gen_AB.pth"])
def test_a_file_with_the_name_of_a_direction_of_cyclegan_is_refused(load, saved, name):
    path = saved(CycleganGenerator(CycleganConfig(ngf=2, n_blocks=2)).state_dict(), name)
    with pytest.raises(CheckpointError, match="holds generators of CycleGAN") as caught:
        load("cut", path)
    assert "imgxlate translate cyclegan" in caught.value.hint


def test_a_file_with_both_directions_of_cyclegan_is_refused(load, saved, content):
    path = saved({f"{name}.{key}": tensor for name in ("G_A", "G_B") for key, tensor in content.items()})
    with pytest.raises(CheckpointError, match=r"several generators: G_A, G_B") as caught:
        load("cut", path)
    assert "imgxlate translate cyclegan" in caught.value.hint


@pytest.mark.parametrize("prefix", ["module.", "netG.", "state_dict.netG.module."])
def test_a_wrapped_generator_is_unwrapped(load, saved, content, model, prefix):
    loaded = load("cut", saved({prefix + name: tensor for name, tensor in content.items()}))
    assert all(torch.equal(model.tensors()[name], tensor) for name, tensor in loaded.tensors().items())


def test_an_incomplete_generator_is_refused(load, saved, content):
    del content["model.8.weight"]
    with pytest.raises(CheckpointError, match=r"model\.8\.weight is missing"):
        load("cut", saved(content))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"ngf": 64}, "ngf is 4 in the checkpoint, but 64"),
        ({"netG": "resnet_6blocks"}, "n_blocks is 9 in the checkpoint, but 6"),
        ({"no_dropout": False}, "dropout is False in the checkpoint, but True"),
    ],
)
def test_options_that_contradict_the_weights_are_refused_with_both_values(load, file, stated, message):
    with pytest.raises(CheckpointError, match=message):
        load("cut", file, stated)


@pytest.mark.parametrize(
    "options",
    [
        {"lambda_NCE": 10.0, "n_epochs": 100, "gan_mode": "wgangp", "display_id": 1},
        {"results_dir": "./results/", "num_test": 50, "eval": False},  # of the test program
        {"which_model_netG": "resnet_9blocks", "niter": 100, "batchSize": 1},  # of earlier versions
    ],
)
def test_options_that_do_not_matter_for_translation_are_accepted(load, file, options):
    assert load("cut", file, options).config == load("cut", file).config


@pytest.mark.parametrize(("key", "meant"), [("nromG", "normG"), ("display_size", "display_"), ("gen", "train.py")])
def test_keys_that_are_no_options_of_the_original_are_refused(load, file, key, meant):
    with pytest.raises(UsageError, match=f"unknown key '{key}'") as caught:
        load("cut", file, {key: "batch"})
    assert meant in caught.value.hint


def test_a_norm_that_leaves_no_trace_comes_from_the_options(load, file):
    assert load("cut", file, {"normG": "none"}).config.norm == "none"


def test_a_checkpoint_of_ours_is_read_back(model, load, tmp_path):
    header = {"method": "cut", "architecture": dataclasses.asdict(model.config), "domains": ["horse", "zebra"]}
    checkpoint.write(tmp_path / "model.safetensors", model.tensors(), header)
    again = load("cut", tmp_path / "model.safetensors")
    assert again.config == model.config
    assert all(torch.equal(again.tensors()[name], tensor) for name, tensor in model.tensors().items())
    assert all(name.startswith("G.model.") for name in again.tensors())


def test_the_original_file_is_written_as_it_was_read(model, content):
    [(name, tensors)] = model.original_files(1200).items()
    assert name == "iter_1200_net_G.pth"
    assert list(tensors) == list(content)
    assert all(torch.equal(tensors[key], tensor) for key, tensor in content.items())
    assert list(model.original_files(None)) == ["latest_net_G.pth"]


def test_a_generator_that_the_original_cannot_have_is_not_exported_as_its_file():
    model = Cut(Generator(CutConfig(ngf=2, n_blocks=1, n_downsampling=1)))
    with pytest.raises(UsageError, match="n_downsampling = 1"):
        model.original_files(None)


def test_there_is_one_graph(model):
    (graph,) = model.graphs()
    assert (graph.name, graph.does) == ("a2b", "image of A to image of B")


def test_bfloat16_stays_within_two_gray_levels(model, golden_image):
    exact = translated(model, golden_image("cut", "a"))
    model.place(CPU, torch.bfloat16)
    levels = (translated(model, golden_image("cut", "a")) - exact).abs() * 127.5
    assert 0 < levels.max() <= 2
    assert levels.mean() < 0.5
