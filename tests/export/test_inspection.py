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
