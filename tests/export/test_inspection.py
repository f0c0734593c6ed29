"""The facts shown of files of weights."""

import dataclasses

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.export.inspection import inspect
from imgxlate.paths import assets_dir
from imgxlate.training import run_model
from imgxlate.training.run_folder import RunFolder

CARD = run_model.TrainingCard(
    preset="tiny", iterations=9, batch_size=1, seed=0, precision="bf16", ema=0.0, images_a=1, images_b=2, size=72
)


@pytest.fixture
def run_folder(tmp_path, generators):
    """A run's folder with a model after 8 steps and a checkpoint after 6."""
    run = RunFolder(tmp_path / "run")
    _, tensors, header = generators("munit")
    run_model.write_model(run.model, tensors, header, step=8, card=CARD)
    run.save(6, {f"training.{name}": tensor for name, tensor in tensors.items()}, header)
    return run


def test_a_model_of_ours_shows_all_facts(run_folder, generators):
    _, tensors, header = generators("munit")
    found = inspect(run_folder.model)
    assert (found.contents, found.method, found.step) == ("a model", "munit", 8)
    assert (found.domains, found.target) == (("summer", "winter"), "winter")
    assert found.parameters == sum(tensor.numel() for tensor in tensors.values())
    assert (found.dtype, found.size) == ("float32", run_folder.model.stat().st_size)
    assert found.payload_sha256 == checkpoint.payload_sha256(tensors)
    assert (found.architecture, found.card) == (header["architecture"], dataclasses.asdict(CARD))


def test_a_run_folder_means_its_model_or_else_its_newest_checkpoint(run_folder):
    assert inspect(run_folder.path) == inspect(run_folder.model)
    run_folder.model.unlink()
    found = inspect(run_folder.path)
    assert found == inspect(run_folder.checkpoint_at(6))
    assert (found.contents, found.step) == ("a checkpoint to resume a training from", 6)


def test_a_folder_that_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no model and no intact checkpoint"):
        inspect(tmp_path)


def test_an_originals_file_shows_the_facts_of_its_tensors(golden):
    found = inspect(golden / "munit" / "gen_00000001.pt")
    assert (found.contents, found.method, found.step) == ("generators of MUNIT", "munit", None)
    assert (found.domains, found.target, found.card) == (None, None, None)
    discriminator = inspect(golden / "munit" / "dis_00000001.pt")
    assert (discriminator.contents, discriminator.method) == ("a discriminator of MUNIT or UNIT", None)


def test_tensors_of_an_unknown_network_are_reported_as_such(tmp_path):
    torch.save({"x": torch.zeros(3), "n": torch.tensor(1), "h": torch.zeros(2).half()}, tmp_path / "x.pt")
    found = inspect(tmp_path / "x.pt")
    assert (found.contents, found.method) == ("tensors of an unknown network", None)
    assert (found.parameters, found.dtype) == (5, "float16, float32")


def test_weights_in_eight_bits_count_as_parameters():
    found = inspect(assets_dir() / "vgg19.safetensors")
    assert found.parameters > 2e7
    assert found.dtype == "float32, uint8"


def test_a_damaged_file_is_refused(run_folder):
    run_folder.model.write_bytes(run_folder.model.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="damaged"):
        inspect(run_folder.path)


def test_a_run_folder_means_its_best_model_if_it_has_one(run_folder, generators):
    _, tensors, header = generators("munit")
    run_model.write_model(run_folder.best, tensors, header | {"quality": {"kd-vgg19_b": 3.5}}, step=6, card=CARD)
    found = inspect(run_folder.path)
    assert (found.path, found.step, found.quality) == (str(run_folder.best), 6, {"kd-vgg19_b": 3.5})
    assert inspect(run_folder.model).quality is None


def test_the_layers_of_an_originals_file_are_listed_with_their_tensors(golden):
    found = inspect(golden / "munit" / "gen_00000001.pt")
    assert [network.name for network in found.networks] == ["generator of A", "generator of B"]
    first = found.networks[1].layers[0]
    assert (first.module, first.layer) == ("enc_style.model.0.conv", "a convolution 3 -> 4, 7x7")
    assert first.tensors == {
        f"b.enc_style.model.0.conv.{kind}": f"enc_style.model.0.conv.{kind}" for kind in ("weight", "bias")
    }
    assert found.left_over == []


@pytest.mark.parametrize("method", ["cyclegan", "cut", "unit"])
def test_every_tensor_of_an_original_is_taken_for_one_of_the_same_name(golden_model, method):
    found = inspect(golden_model(method))
    taken = [pair for network in found.networks for layer in network.layers for pair in layer.tensors.items()]
    assert set(dict(taken)) == set(checkpoint.read(golden_model(method)).tensors)
    assert all(stored.endswith(ours) for stored, ours in taken)


def test_layers_under_other_names_are_listed_and_the_rest_is_left_over(golden, tmp_path):
    given = torch.load(golden / "cyclegan" / "latest_net_G_B.pth", weights_only=True)
    renamed = {f"netG_BA.module.{name.replace('model', 'net')}": tensor for name, tensor in given.items()}
    torch.save(renamed | {"netD.0.weight": torch.zeros(4, 3, 4, 4)}, tmp_path / "x.pth")
    found = inspect(tmp_path / "x.pth")
    assert (found.method, found.contents) == ("cyclegan", "generators of CycleGAN, under other names")
    [network] = found.networks
    assert network.name == "generator of B to A"
    assert [layer.layer for layer in network.layers][-3:] == [
        "a transposed convolution 16 -> 8, 3x3",
        "a transposed convolution 8 -> 4, 3x3",
        "a convolution 4 -> 3, 7x7",
    ]
    assert found.left_over == ["netD.0.weight"]


def test_the_layer_at_which_an_unknown_file_departs_is_named_for_each_method(golden, tmp_path):
    given = torch.load(golden / "cyclegan" / "latest_net_G_A.pth", weights_only=True)
    last = max((name for name in given if given[name].dim() == 4), key=lambda name: int(name.split(".")[1]))
    given[last] = torch.zeros(3, 4, 5, 5)
    torch.save({name.replace("model", "net"): tensor for name, tensor in given.items()}, tmp_path / "x.pth")
    found = inspect(tmp_path / "x.pth")
    assert (found.method, found.networks, found.left_over) == (None, (), [])
    assert "is a convolution 4 -> 3, 5x5, where CycleGAN has" in found.departures["cyclegan"]


def test_a_model_of_a_run_has_layers_and_its_checkpoint_has_none(run_folder):
    assert len(inspect(run_folder.model).networks) == 2
    assert inspect(run_folder.checkpoint_at(6)).networks == ()


def test_the_default_target_has_its_domains_name(tmp_path, generators):
    _, tensors, header = generators("cyclegan", ("winter", "summer"))
    for target, name in (("A", "winter"), ("B", "summer")):
        checkpoint.write(tmp_path / "x.safetensors", tensors, header | {"target": target})
        assert inspect(tmp_path / "x.safetensors").target == name
