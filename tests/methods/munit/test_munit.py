"""MUNIT against what the original gave, and its promises on styles, batches, sizes and precision."""

import dataclasses
import json

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.tensors import from_tensor
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.networks import Generator
from imgxlate.methods.protocol import StyleSampler

CPU = torch.device("cpu")


@pytest.fixture
def file(golden):
    return golden / "munit" / "gen_00000001.pt"


@pytest.fixture
def model(load, file, options):
    loaded = load("munit", file, options("munit"))
    loaded.place(CPU, torch.float32)
    return loaded


@pytest.fixture
def content(file):
    """The original's file, to be changed and saved again."""
    return torch.load(file, weights_only=True)


def translations(model, images, to, styles):
    return torch.stack(list(model.translate(images, to, styles)))


def close(a, b):
    return (a - b).abs().max() < 1e-4


def test_it_is_a_style_sampler(model):
    assert isinstance(model, StyleSampler)
    assert (model.targets, model.stride, model.minimum_side, model.style_dim) == (("B", "A"), 4, 16, 4)


def test_the_keys_and_shapes_are_the_originals(reference_keys):
    with torch.device("meta"):
        full_size = Generator(MunitConfig()).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in full_size.items()} == reference_keys("AdaINGen")


def test_the_architecture_is_read_off_the_weights(load, file):
    expected = MunitConfig(dim=4, mlp_dim=8, style_dim=4, n_res=2)
    assert load("munit", file).config == expected


@pytest.mark.parametrize(("to", "name", "source"), [("B", "a2b", "a"), ("A", "b2a", "b")])
def test_styles_give_the_images_of_the_original(model, golden_image, forward, golden, to, name, source):
    expected = forward("munit")
    made = translations(model, golden_image("munit", source), to, expected["styles"])[:, 0]
    assert close(made, expected[name])
    for index, one in enumerate(made):
        stored = decode(golden / "munit" / f"{name}_style{index}.png").rgb
        assert abs(from_tensor(one[None]).astype(int) - stored).max() <= 1


def test_the_stored_styles_are_those_of_the_arrays(golden, forward):
    stored = json.loads((golden / "munit" / "styles.json").read_text())["styles"]
    assert torch.allclose(torch.tensor(stored), forward("munit")["styles"])


@pytest.mark.parametrize("domain", ["A", "B"])
def test_content_style_and_reconstruction_equal_those_of_the_original(model, golden_image, forward, domain):
    expected, letter = forward("munit"), domain.lower()
    image, generator = golden_image("munit", letter), model._generators[domain]
    style = model.encode_style(image, domain)
    assert close(style, expected[f"style_{letter}"])
    code = generator.enc_content(image)
    assert close(code, expected[f"content_{letter}"])
    assert close(generator.decode(code, style), expected[f"recon_{letter}"])


def test_the_style_of_an_image_guides_the_translation(model, golden_image, forward):
    style = model.encode_style(golden_image("munit", "b"), "B")
    assert close(translations(model, golden_image("munit", "a"), "B", style)[0], forward("munit")["a2b_guided_by_b"])


def test_content_is_encoded_once_for_all_styles(model, golden_image):
    calls = []
    for domain, generator in model._generators.items():
        generator.enc_content.register_forward_hook(lambda *_, domain=domain: calls.append(domain))
    assert translations(model, golden_image("munit", "a"), "B", torch.randn(5, 4)).shape[0] == 5
    assert calls == ["A"]


def test_translations_are_yielded_one_at_a_time(model, golden_image):
    decoded = []
    model._generators["B"].dec.register_forward_hook(lambda *_: decoded.append(1))
    stream = model.translate(golden_image("munit", "a"), "B", torch.randn(5, 4))
    next(stream)
    assert len(decoded) == 1


def test_batches_equal_singles(model, golden_image):
    batch, styles = torch.cat([golden_image("munit", "a"), golden_image("munit", "b")]), torch.randn(2, 4)
    singles = torch.cat([translations(model, image[None], "B", styles) for image in batch], 1)
    assert (translations(model, batch, "B", styles) - singles).abs().max() < 1e-5
    codes = torch.cat([model.encode_style(image[None], "A") for image in batch])
    assert (model.encode_style(batch, "A") - codes).abs().max() < 1e-5


def test_bfloat16_stays_within_two_gray_levels_and_can_be_undone(model, golden_image):
    image, styles = golden_image("munit", "a"), torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    exact = translations(model, image, "B", styles)
    model.place(CPU, torch.bfloat16)
    levels = (translations(model, image, "B", styles) - exact).abs() * 127.5
    assert 0 < levels.max() <= 2
    assert levels.mean() < 0.5
    assert all(not tensor.is_floating_point() or tensor.dtype == torch.float32 for tensor in model.tensors().values())
    model.place(CPU, torch.float32)
    assert torch.equal(translations(model, image, "B", styles), exact)


@pytest.mark.parametrize("size", [(16, 16), (16, 20), (36, 24)])
def test_images_with_the_smallest_side_and_multiples_of_the_stride_are_accepted(model, size):
    image = torch.rand(1, 3, *size) * 2 - 1
    assert translations(model, image, "A", model.encode_style(image, "A")).shape == (1, 1, 3, *size)


def test_a_flat_image_gives_finite_numbers(model):
    image = torch.ones(1, 3, 16, 16)
    assert torch.isfinite(translations(model, image, "B", torch.zeros(1, 4))).all()


@pytest.mark.parametrize("styles", [None, torch.zeros(4), torch.zeros(2, 5)])
def test_styles_of_another_length_are_refused(model, golden_image, styles):
    with pytest.raises(UsageError, match=r"\(S, 4\)"):
        next(model.translate(golden_image("munit", "a"), "B", styles))


def test_a_checkpoint_of_ours_gives_the_same_image(model, load, golden_image, tmp_path):
    config = dataclasses.asdict(model.config)
    header = {"method": "munit", "architecture": config, "domains": ["cat", "dog"]}
    checkpoint.write(tmp_path / "model.safetensors", model.tensors(), header)
    again = load("munit", tmp_path / "model.safetensors")
    assert again.config == model.config
    assert {name: tensor.shape for name, tensor in again.tensors().items()} == {
        name: tensor.shape for name, tensor in model.tensors().items()
    }
    image, styles = golden_image("munit", "a"), torch.randn(1, 4)
    assert (translations(again, image, "B", styles) - translations(model, image, "B", styles)).abs().max() < 1e-5


def test_values_that_weights_do_not_show_come_from_our_header(model, load, tmp_path):
    architecture = {**dataclasses.asdict(model.config), "activ": "lrelu", "pad_type": "zero"}
    header = {"method": "munit", "architecture": architecture, "domains": ["a", "b"]}
    checkpoint.write(tmp_path / "m.safetensors", model.tensors(), header)
    assert dataclasses.asdict(load("munit", tmp_path / "m.safetensors").config) == architecture


def test_activation_and_padding_come_from_the_yaml_and_change_the_image(load, file, model, golden_image):
    image, styles = golden_image("munit", "a"), torch.zeros(1, 4)
    exact = translations(model, image, "B", styles)
    for gen in ({"activ": "lrelu"}, {"pad_type": "zero"}, {"pad_type": "replicate"}):
        other = load("munit", file, {"gen": gen})
        assert not close(translations(other, image, "B", styles), exact)


@pytest.mark.parametrize("key", ["dim", "n_res", "style_dim", "mlp_dim", "n_downsample"])
def test_a_yaml_that_contradicts_the_weights_is_refused_with_both_values(load, file, options, key):
    stated = options("munit")
    seen = stated["gen"][key]
    stated["gen"][key] = 7
    with pytest.raises(CheckpointError, match=rf"{key} is {seen} in the checkpoint, but 7 in the configuration"):
        load("munit", file, stated)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": 1}, "no section 'gen'"),
        ({"gen": {"pad_typ": "zero"}}, "unknown key 'pad_typ'"),
        ({"gen": {"activ": "swish"}}, "activ"),
    ],
)
def test_a_yaml_that_is_not_munits_is_refused(load, file, given, message):
    with pytest.raises(UsageError, match=message):
        load("munit", file, given)


def renamed(content, form):
    both = [("a", "A", content["a"]), ("b", "B", content["b"])]
    prefix = {
        "data parallel": lambda low, up: f"{low}.module.",
        "whole trainer": lambda low, up: f"gen_{low}.",
        "lightning": lambda low, up: f"state_dict.gen_{up}.",
        "compiled": lambda low, up: f"netG_{up}._orig_mod.",
    }[form]
    return {prefix(low, up) + name: tensor for low, up, part in both for name, tensor in part.items()}


@pytest.mark.parametrize("form", ["data parallel", "whole trainer", "lightning", "compiled"])
def test_other_spellings_of_the_same_networks_are_mapped(load, model, content, tmp_path, form):
    torch.save({**renamed(content, form), "dis_a.cnns.0.0.conv.weight": torch.ones(1)}, tmp_path / "x.pt")
    other = load("munit", tmp_path / "x.pt").tensors()
    assert all(torch.equal(other[name], tensor) for name, tensor in model.tensors().items())


def test_statistics_of_old_instance_norms_are_dropped_and_the_adaptive_ones_may_be_absent(
    load, model, content, golden_image, tmp_path
):
    for part in content.values():
        for name in [
            name for name in part if name.endswith(".norm.running_mean") or name.endswith(".norm.running_var")
        ]:
            del part[name]
        for name in [name for name in part if name.startswith("enc_content") and name.endswith(".conv.bias")]:
            part[name.replace("conv.bias", "norm.running_mean")] = torch.full_like(part[name], 5)
            part[name.replace("conv.bias", "norm.running_var")] = torch.full_like(part[name], 9)
    torch.save(content, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    other = load("munit", tmp_path / "old.pt")
    assert other.tensors().keys() == model.tensors().keys()
    image, styles = golden_image("munit", "a"), torch.zeros(1, 4)
    assert close(translations(other, image, "B", styles), translations(model, image, "B", styles))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions_become_float32(load, content, tmp_path, dtype):
    torch.save({k: {n: t.to(dtype) for n, t in part.items()} for k, part in content.items()}, tmp_path / "x.pt")
    model = load("munit", tmp_path / "x.pt")
    assert {tensor.dtype for tensor in model.tensors().values()} == {torch.float32}


@pytest.mark.parametrize("activ", ["prelu"])
def test_a_learned_activation_shows_in_the_weights(load, tmp_path, activ):
    config = MunitConfig(dim=4, mlp_dim=8, style_dim=3, n_res=1, n_downsample=1, activ=activ, norm="instance_affine")
    torch.save({"a": Generator(config).state_dict(), "b": Generator(config).state_dict()}, tmp_path / "x.pt")
    model = load("munit", tmp_path / "x.pt")
    assert model.config == config
    assert (model.stride, model.minimum_side) == (2, 16)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda part: part.pop("dec.model.5.conv.bias"), "domain B: .*dec.model.5.conv.bias is missing"),
        (lambda part: part.update({"dec.extra": torch.ones(1)}), "dec.extra is unexpected"),
        (
            lambda part: part.update({"mlp.model.1.fc.bias": torch.ones(3)}),
            r"mlp.model.1.fc.bias is \(3,\) where \(8,\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(load, content, tmp_path, change, message):
    change(content["b"])
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=message):
        load("munit", tmp_path / "x.pt")


def test_many_mismatches_are_counted(load, content, tmp_path):
    for part in content.values():
        for name in [name for name in part if name.startswith("dec")]:
            del part[name]
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"is missing, and \d+ more"):
        load("munit", tmp_path / "x.pt")


@pytest.mark.parametrize(
    "left",
    [
        "enc_style.model.6.weight",
        "mlp.model.0.fc.weight",
        "enc_content.model.3.model.0.model.0.conv.weight",
    ],
)
def test_a_file_without_the_tensors_that_show_the_architecture_is_refused(load, content, tmp_path, left):
    del content["a"][left]
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=left):
        load("munit", tmp_path / "x.pt")


@pytest.mark.parametrize("bare", [True, False])
def test_a_file_with_one_domain_is_refused_with_what_to_do(load, content, tmp_path, bare):
    torch.save(content["a"] if bare else {"a": content["a"]}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="one domain only") as caught:
        load("munit", tmp_path / "x.pt")
    assert "gen_*.pt" in caught.value.hint


def test_two_networks_for_one_domain_are_refused(load, content, tmp_path):
    torch.save({**content, "ema": {"a": content["a"]}}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="more than one network for domain A"):
        load("munit", tmp_path / "x.pt")
