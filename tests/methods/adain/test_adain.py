"""AdaIN: the norm by its definition, the decoder's files, translation, large images and training."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.checkpoint import Checkpoint
from imgxlate.config import overridden
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.tensors import to_tensor
from imgxlate.methods import registry
from imgxlate.methods.adain.config import AdainConfig
from imgxlate.methods.adain.method import Adain
from imgxlate.methods.adain.networks import (
    Decoder,
    Encoder,
    adaptive_instance_norm,
    convolutions_up_to,
    statistics,
)
from imgxlate.methods.adain.training import AdainTraining
from imgxlate.methods.protocol import StagedStyleSampler, StepContext, Trainable
from imgxlate.nn import vgg_files
from imgxlate.nn.initialization import seeded
from imgxlate.paths import assets_dir

PHOTOS = Path(__file__).parents[3] / "examples" / "photos"
LAYERS = ("relu2_1", "relu3_1", "relu4_1")


@pytest.fixture(scope="module")
def features():
    return checkpoint.read(assets_dir() / "vgg19.safetensors")


@pytest.fixture
def make(features):
    """A model with random weights, on the CPU."""

    def build(layer="relu3_1"):
        with seeded(0):
            decoder = Decoder(layer).requires_grad_(False)
        model = Adain(AdainConfig(layer), Encoder(layer, features), decoder)
        model.place(torch.device("cpu"), torch.float32)
        return model

    return build


def image(seed, height=48, width=40):
    """Noise over a smooth image (1, 3, H, W) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 4, 4, generator=generator) * 1.6 - 0.8
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return smooth + 0.2 * torch.rand(1, 3, height, width, generator=generator) - 0.1


def test_normalized_features_have_the_mean_and_deviation_of_the_style():
    content, style = (torch.randn(2, 5, 9, 7, generator=torch.Generator().manual_seed(seed)) for seed in range(2))
    wanted = statistics(style * 3 + 1)
    torch.testing.assert_close(statistics(adaptive_instance_norm(content, wanted)), wanted, rtol=1e-4, atol=1e-4)


def test_statistics_are_mean_and_population_deviation():
    features = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]]]])
    torch.testing.assert_close(statistics(features), torch.tensor([[4.0, 5.0**0.5]]))


def test_the_encoder_has_the_features_of_vgg19_away_from_the_border(features):
    network, x = vgg_files.load(features), image(1, 96, 96)
    expected = network(x, ("relu1_1", "relu3_1"))
    found = Encoder("relu3_1", features).features(x)
    inner = slice(8, -8)
    for ours, layer, mean in ((found[0], "relu1_1", 21.0), (found[2], "relu3_1", 96.0)):
        reference = expected[layer][..., inner, inner] / mean
        torch.testing.assert_close(ours[..., inner, inner], reference, rtol=1e-4, atol=1e-4)


def test_the_features_of_photographs_have_a_mean_of_one(features):
    encoder = Encoder("relu4_1", features)
    means = []
    for photo in sorted(PHOTOS.glob("*.*g")):
        with torch.inference_mode():
            means.append([layer.mean().item() for layer in encoder.features(to_tensor(decode(photo).rgb))])
    assert torch.tensor(means).mean(0).tolist() == pytest.approx([1, 1, 1, 1], rel=0.02)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_decoder_mirrors_the_encoder(layer):
    names = convolutions_up_to(layer)
    decoder = Decoder(layer)
    assert [name for name, _ in decoder.named_children()] == names[::-1]
    first = decoder.get_submodule(names[-1]).conv
    stride = 2 ** (int(layer[4]) - 1)
    assert decoder(torch.rand(1, first.in_channels, 3, 4)).shape == (1, 3, 3 * stride, 4 * stride)


def test_the_content_with_its_own_style_is_the_decoded_content(make):
    model, x = make(), image(2)
    [same] = model.translate(x, "B", model.encode_style(x, "B"))
    with torch.inference_mode():
        expected = model._decoder(model._encoder(x))
    torch.testing.assert_close(same, expected, rtol=1e-4, atol=1e-4)


def test_each_style_gives_an_image_and_the_images_of_a_batch_do_not_affect_each_other(make):
    model = make()
    styles = torch.cat([model.encode_style(image(seed), "B") for seed in (3, 4)])
    images = torch.cat([image(5), image(6)])
    first, second = model.translate(images, "B", styles)
    assert (first - second).abs().max() > 0.01
    [alone] = model.translate(images[1:], "B", styles[:1])
    torch.testing.assert_close(first[1:], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("memory", [{"maps": 0, "band": 0}, {"maps": 20_000, "band": 50_000}])
def test_large_images_in_bands_are_those_of_the_whole(make, in_bands, layer, memory):
    model, x = make(layer), image(7, 64, 48)
    assert isinstance(model, StagedStyleSampler)
    style = model.encode_style(image(8), "B")
    [whole] = model.translate(x, "B", style)
    content = in_bands(model.content_stages("B"), x, **memory)
    assert (in_bands(model.image_stages("B", style), content, **memory) - whole).abs().max() < 1e-4
    values = in_bands(model.style_stages("B"), x, **memory)
    code = model.style_code("B", values.mean((0, 2, 3)))
    torch.testing.assert_close(code, model.encode_style(x, "B"), rtol=1e-3, atol=1e-3)


def test_a_style_of_another_length_is_refused(make):
    with pytest.raises(UsageError, match=r"needs style codes \(S, 512\), not \(1, 3\)"):
        next(make().translate(image(0), "B", torch.zeros(1, 3)))
    with pytest.raises(UsageError, match="not none"):
        next(make().translate(image(0), "B", None))


@pytest.mark.parametrize("layer", LAYERS)
def test_the_layer_is_read_off_the_weights(make, layer, tmp_path):
    model = make(layer)
    read = Adain.from_checkpoint(Checkpoint(tmp_path / "a.safetensors", model.tensors(), {}), {})
    assert read.config == AdainConfig(layer)
    assert all(torch.equal(tensor, model.tensors()[name]) for name, tensor in read.tensors().items())


def test_other_files_and_options_are_refused(golden, make, tmp_path):
    with pytest.raises(CheckpointError, match="MUNIT"):
        Adain.from_checkpoint(checkpoint.read(golden / "munit" / "gen_00000001.pt"), {})
    with pytest.raises(UsageError, match="no configuration file"):
        Adain.from_checkpoint(Checkpoint(tmp_path / "a.safetensors", make().tensors(), {}), {"dim": 4})


@pytest.fixture
def training(features):
    preset = registry.find("adain").training.presets["tiny"]
    config = overridden(preset, {"data.crop_height": 32, "data.crop_width": 32})
    found = AdainTraining.create(config, features)
    assert isinstance(found, Trainable)
    found.place(torch.device("cpu"), torch.float64, compiled=False)
    return found


def losses_of(training, seed=0):
    images = {domain: image(seed + number, 32, 32).double() for number, domain in enumerate("AB")}
    return training._losses(images)


def test_the_losses_are_those_of_the_paper(training):
    content, style = image(0, 32, 32).double(), image(1, 32, 32).double()
    encoder, decoder = training._encoder, training._decoder
    target = adaptive_instance_norm(encoder(content), statistics(encoder(style)))
    output = decoder(target)
    pairs = zip(encoder.features(output), encoder.features(style), strict=True)
    expected = 0.0
    for ours, theirs in pairs:
        for measure in (lambda x: x.mean((2, 3)), lambda x: (x.var((2, 3), correction=0) + 1e-5).sqrt()):
            expected += (measure(ours) - measure(theirs)).square().mean()
    losses = losses_of(training)
    torch.testing.assert_close(losses["style"], expected)
    torch.testing.assert_close(losses["content"], (encoder(output) - target).square().mean())
    torch.testing.assert_close(losses["total"], losses["content"] + 10 * losses["style"])


def test_the_gradient_is_that_of_finite_differences(training):
    weight = training._decoder.get_submodule("conv1_2").conv.weight
    losses_of(training)["total"].backward()
    direction = torch.randn(weight.shape, dtype=weight.dtype, generator=torch.Generator().manual_seed(3))
    direction /= direction.norm()
    step = 1e-7  # A larger one changes which units are active.
    with torch.no_grad():
        weight += step * direction
        above = losses_of(training)["total"]
        weight -= 2 * step * direction
        below = losses_of(training)["total"]
    assert ((above - below) / (2 * step)).item() == pytest.approx((weight.grad * direction).sum().item(), rel=1e-4)


def test_training_changes_the_decoder_alone(training):
    group = SimpleNamespace(rank=0, size=1, average=lambda tensors: None)
    encoder = {name: tensor.clone() for name, tensor in training._encoder.state_dict().items()}
    decoder = {name: tensor.clone() for name, tensor in training.generators().items()}
    batch = Batch(image(0, 32, 32), image(1, 32, 32), (), ())
    totals = [training.train_step(batch, StepContext(step, None, None, group))["total"].item() for step in range(8)]
    assert totals[-1] < totals[0]
    assert all(torch.equal(tensor, encoder[name]) for name, tensor in training._encoder.state_dict().items())
    assert not any(torch.equal(tensor, decoder[name]) for name, tensor in training.generators().items())


@pytest.mark.parametrize("side", [2, 33])
def test_a_crop_that_the_networks_cannot_take_is_refused(features, side):
    preset = registry.find("adain").training.presets["tiny"]
    with pytest.raises(UsageError, match=f"data.crop_height is {side}; a decoder of relu2_1 needs a multiple of 2"):
        AdainTraining.create(overridden(preset, {"data.crop_height": side}), features)


def test_training_without_the_encoder_is_refused():
    with pytest.raises(CheckpointError, match="VGG-19"):
        AdainTraining.create(dataclasses.replace(registry.find("adain").training.presets["tiny"]), None)
