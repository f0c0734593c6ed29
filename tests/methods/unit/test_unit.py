"""UNIT against what the original gave."""

import dataclasses

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.images.decode import decode
from imgxlate.images.tensors import from_tensor
from imgxlate.methods.protocol import StyleSampler, Translator
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.networks import Generator

CPU = torch.device("cpu")


@pytest.fixture
def file(golden):
    return golden / "unit" / "gen_00000001.pt"


@pytest.fixture
def model(load, file, options):
    loaded = load("unit", file, options("unit"))
    loaded.place(CPU, torch.float32)
    return loaded


def translated(model, images, to):
    (made,) = model.translate(images, to, None)
    return made


def test_it_is_a_translator_without_styles(model):
    assert isinstance(model, Translator)
    assert not isinstance(model, StyleSampler)
    assert (model.targets, model.stride, model.minimum_side) == (("B", "A"), 4, 8)


def test_the_keys_and_shapes_are_the_originals(reference_keys):
    with torch.device("meta"):
        full_size = Generator(UnitConfig()).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in full_size.items()} == reference_keys("VAEGen")


def test_the_architecture_is_read_off_the_weights(load, file):
    assert load("unit", file).config == UnitConfig(dim=4, n_res=2)


@pytest.mark.parametrize(("to", "name", "source"), [("B", "a2b", "a"), ("A", "b2a", "b")])
def test_the_image_equals_that_of_the_original(model, golden_image, forward, golden, to, name, source):
    made = translated(model, golden_image("unit", source), to)
    assert (made - forward("unit")[name]).abs().max() < 1e-4
    assert abs(from_tensor(made).astype(int) - decode(golden / "unit" / f"{name}.png").rgb).max() <= 1


@pytest.mark.parametrize("domain", ["A", "B"])
def test_latent_code_and_reconstruction_equal_those_of_the_original(model, golden_image, forward, domain):
    expected, letter = forward("unit"), domain.lower()
    generator = model._generators[domain]
    latent = generator.encode(golden_image("unit", letter))
    assert (latent - expected[f"latent_{letter}"]).abs().max() < 1e-4
    assert (generator.decode(latent) - expected[f"recon_{letter}"]).abs().max() < 1e-4


def test_batches_equal_singles(model, golden_image):
    batch = torch.cat([golden_image("unit", "a"), golden_image("unit", "b")])
    singles = torch.cat([translated(model, image[None], "B") for image in batch])
    assert (translated(model, batch, "B") - singles).abs().max() < 1e-5


def test_bfloat16_stays_within_two_gray_levels(model, golden_image):
    exact = translated(model, golden_image("unit", "a"), "B")
    model.place(CPU, torch.bfloat16)
    levels = (translated(model, golden_image("unit", "a"), "B") - exact).abs() * 127.5
    assert 0 < levels.max() <= 2
    assert levels.mean() < 0.5


@pytest.mark.parametrize("size", [(8, 8), (8, 20)])
def test_images_with_the_smallest_side_are_accepted(model, size):
    assert translated(model, torch.rand(1, 3, *size), "A").shape == (1, 3, *size)


def test_a_checkpoint_of_ours_is_read_back(model, load, tmp_path):
    header = {"method": "unit", "architecture": dataclasses.asdict(model.config), "domains": ["a", "b"]}
    checkpoint.write(tmp_path / "model.safetensors", model.tensors(), header)
    again = load("unit", tmp_path / "model.safetensors")
    assert again.config == model.config
    assert all(torch.equal(again.tensors()[name], tensor) for name, tensor in model.tensors().items())


def test_a_configuration_that_contradicts_our_header_is_refused(model, load, tmp_path):
    header = {"method": "unit", "architecture": dataclasses.asdict(model.config), "domains": ["a", "b"]}
    checkpoint.write(tmp_path / "model.safetensors", model.tensors(), header)
    with pytest.raises(CheckpointError, match="activ is 'relu' in the checkpoint, but 'lrelu' in the configuration"):
        load("unit", tmp_path / "model.safetensors", {"gen": {"activ": "lrelu"}})


@pytest.mark.parametrize(
    ("architecture", "message"),
    [(None, "does not state the architecture"), ({"dim": 10**9}, "dim is 4"), ({"color": 1}, "unknown key 'color'")],
)
def test_a_header_with_a_malformed_architecture_is_refused(model, load, tmp_path, architecture, message):
    header = {"method": "unit", "architecture": architecture, "domains": ["a", "b"]}
    checkpoint.write(tmp_path / "model.safetensors", model.tensors(), header)
    with pytest.raises(CheckpointError, match=message):
        load("unit", tmp_path / "model.safetensors")


@pytest.mark.parametrize("norm", ["instance_affine", "batch"])
def test_other_norms_show_in_the_weights(load, tmp_path, norm):
    config = UnitConfig(dim=4, n_downsample=1, n_res=1, norm=norm)
    content = {}
    for domain in "ab":
        content[domain] = Generator(config).state_dict()
        for name, tensor in content[domain].items():
            if "norm.running_mean" in name:
                tensor.add_(1)
    without_counts = {
        domain: {name: tensor for name, tensor in part.items() if "num_batches" not in name}
        for domain, part in content.items()
    }
    torch.save(without_counts, tmp_path / "x.pt")
    model = load("unit", tmp_path / "x.pt")
    assert model.config == config
    assert (model.stride, model.minimum_side) == (2, 4)
    reference = Generator(config).eval()
    reference.load_state_dict(content["a"])
    image = torch.rand(1, 3, 8, 8)
    with torch.inference_mode():
        assert torch.allclose(model._generators["A"].encode(image), reference.encode(image), atol=1e-5)
