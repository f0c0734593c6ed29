"""`model.safetensors`, and models built from weights in training."""

import dataclasses

import pytest
import torch
from built_in import WITH_ORIGINAL_MODELS

from imgxlate import __version__, checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.loading import ModelFile, find_model, load_model
from imgxlate.training import run_model
from imgxlate.training.run_folder import RunFolder
from imgxlate.weights.store import Store

CPU = torch.device("cpu")
CARD = run_model.TrainingCard(
    preset="small", iterations=10, batch_size=1, seed=3, precision="fp32", ema=0.999, images_a=4, images_b=5, size=104
)


def never(card):
    raise AssertionError(f"{card.name} was downloaded")


def translated(translator, style=None):
    image = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)
    return next(translator.translate(image, "B", style))


@pytest.fixture
def run_folder(tmp_path, generators):
    """A run folder that holds a model."""
    run = RunFolder(tmp_path / "mountains")
    _, tensors, header = generators("unit")
    run_model.write_model(run.model, tensors, header, step=7, card=CARD)
    return run


@pytest.mark.parametrize("method", WITH_ORIGINAL_MODELS)
def test_a_written_model_gives_the_same_images_as_its_generators(generators, tmp_path, method):
    spec, tensors, header = generators(method)
    path = tmp_path / "model.safetensors"
    run_model.write_model(path, tensors, header, step=7, card=CARD)
    live = run_model.build_model(spec, tensors, header, CPU, Arithmetic())
    loaded = load_model(spec, ModelFile("mine", path), CPU, Arithmetic())
    style = torch.ones(1, live.translator.style_dim) if method == "munit" else None
    assert torch.equal(translated(live.translator, style), translated(loaded.translator, style))
    assert loaded.domains == live.domains == ("summer", "winter")
    assert loaded.target("winter") == loaded.target(None) == "B"


def test_a_model_records_how_it_was_trained(run_folder):
    header = checkpoint.read(run_folder.model).header
    assert (header["method"], header["step"], header["target"]) == ("unit", 7, "B")
    assert header["card"] == dataclasses.asdict(CARD)
    assert (header["card"]["imgxlate"], header["card"]["images_b"]) == (__version__, 5)


def test_building_a_model_does_not_change_the_weights_in_training(generators):
    spec, tensors, header = generators("munit")
    live = {name: torch.nn.Parameter(tensor.clone()) for name, tensor in tensors.items()}
    model = run_model.build_model(spec, live, header, CPU, Arithmetic())
    translated(model.translator, torch.zeros(1, model.translator.style_dim))
    assert all(parameter.requires_grad for parameter in live.values())
    assert all(torch.equal(live[name], tensor) for name, tensor in tensors.items())


def test_float32_is_made_exact_before_a_model_is_built(generators, monkeypatch):
    calls = []
    monkeypatch.setattr("imgxlate.training.run_model.require_exact", lambda *where: calls.append(where))
    run_model.build_model(*generators("unit"), CPU, Arithmetic())
    assert calls == [(CPU, torch.float32)]


def test_a_run_folder_is_accepted_as_a_checkpoint(run_folder, generators, monkeypatch):
    spec = generators("unit")[0]
    found = find_model(spec, None, run_folder.path, None, Store(), never)
    assert (found.name, found.path) == ("mountains", run_folder.model)
    monkeypatch.chdir(run_folder.path)
    here = find_model(spec, None, run_folder.path.relative_to(run_folder.path), None, Store(), never)
    assert here.name == "mountains"


def test_a_folder_without_a_model_is_an_error(tmp_path, generators):
    with pytest.raises(CheckpointError, match=r"the folder holds no model.safetensors") as caught:
        find_model(generators("unit")[0], None, tmp_path, None, Store(), never)
    assert caught.value.exit_code == 6
    assert "run" in caught.value.hint


def test_a_training_checkpoint_gives_its_averaged_generators(run_folder, generators):
    spec, tensors, header = generators("unit")
    state = {f"training.gen.weights.{name}": torch.zeros_like(tensor) for name, tensor in tensors.items()}
    path = run_folder.save(7, state | {f"average.{name}": tensor for name, tensor in tensors.items()}, header)
    loaded = load_model(spec, ModelFile("mine", path), CPU, Arithmetic())
    assert loaded.domains == tuple(header["domains"])
    assert all(torch.equal(loaded.translator.tensors()[name], tensor) for name, tensor in tensors.items())


def test_a_training_checkpoint_without_averaged_weights_is_not_a_model(run_folder, generators):
    spec, tensors, header = generators("unit")
    path = run_folder.save(7, {f"training.{name}": tensor for name, tensor in tensors.items()}, header)
    with pytest.raises(CheckpointError, match=r"resume a training.*without averaged weights") as caught:
        load_model(spec, ModelFile("mine", path), CPU, Arithmetic())
    assert "model.safetensors" in caught.value.hint
