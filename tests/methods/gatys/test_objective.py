import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.gatys import SPEC
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.objective import Objective
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg

GOLDEN = Path(__file__).parents[2] / "golden" / "gatys"


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    losses: dict[str, Any] = json.loads((GOLDEN / "losses.json").read_text())
    return losses


def image(name: str) -> Tensor:
    with Image.open(GOLDEN / f"{name}.png") as opened:
        return torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1).unsqueeze(0) / 127.5 - 1


def objective(config: GatysConfig, features: Checkpoint) -> Objective:
    network = vgg_files.load(features, pooling=config.pooling)
    return Objective(config, network, image("content"), [image("style")], [1.0])


def preset(name: str) -> GatysConfig:
    config = SPEC.presets[name]
    assert isinstance(config, GatysConfig)
    return config


def test_features_have_the_golden_mean_activations(features: Checkpoint, golden: dict[str, Any]) -> None:
    expected = golden["mean_activation_content"]
    found = vgg_files.load(features)(image("content"), tuple(expected))
    assert {name: maps.mean().item() for name, maps in found.items()} == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "content_factor"),
    [("author", 1.0), ("johnson", 1.0), ("paper", 1e-3)],  # The golden content loss of the paper is without alpha.
)
def test_each_loss_equals_that_of_the_original(
    features: Checkpoint, golden: dict[str, Any], name: str, content_factor: float
) -> None:
    losses = objective(preset(name), features)(image("init"))
    assert [value.item() for value in losses.content.values()] == pytest.approx(
        [golden[name]["content"] * content_factor], rel=1e-4
    )
    assert [value.item() for value in losses.style.values()] == pytest.approx(golden[name]["style"], rel=1e-4)
    assert losses.variation.item() == pytest.approx(golden[name].get("tv", 0.0), rel=1e-4)


@pytest.mark.parametrize("name", ["author", "johnson", "paper"])
def test_the_gradient_equals_that_of_the_original(features: Checkpoint, name: str) -> None:
    gray_levels = ((image("init") + 1) * 127.5).requires_grad_()
    objective(preset(name), features)(gray_levels / 127.5 - 1).total.backward()
    expected = torch.from_numpy(np.load(GOLDEN / f"{name}_gradient.npz")["gradient"]).view(1, 3, 96, 128)
    assert gray_levels.grad is not None
    assert (gray_levels.grad.flip(1) - expected).norm() < 1e-3 * expected.norm()  # The golden order is B, G, R.


def test_the_total_is_the_sum_of_the_parts_in_the_summary(features: Checkpoint) -> None:
    losses = objective(preset("johnson"), features)(image("init"))
    summary = losses.summary()
    assert list(summary) == ["total", "content", "style", "variation", "range"]
    assert summary["total"] == pytest.approx(summary["content"] + summary["style"] + summary["variation"])
    assert summary["total"] == pytest.approx(losses.total.item())


def test_several_styles_are_weighted(features: Checkpoint) -> None:
    config = preset("author")
    network = vgg_files.load(features)
    content, style = image("content"), image("style")

    def style_losses(styles: list[Tensor], weights: list[float]) -> list[float]:
        losses = Objective(config, network, content, styles, weights)(image("init"))
        return [value.item() for value in losses.style.values()]

    assert style_losses([style, content], [1.0, 0.0]) == pytest.approx(style_losses([style], [1.0]), rel=1e-4)
    assert style_losses([style, style], [0.3, 0.7]) == pytest.approx(style_losses([style], [1.0]), rel=1e-4)


def test_layer_factors_multiply_the_losses_of_their_layers(features: Checkpoint) -> None:
    config = preset("author")
    factors = (1.0, 2.0, 0.0, 0.5, 3.0)
    plain = objective(config, features)(image("init")).style
    scaled = objective(dataclasses.replace(config, style_layer_factors=factors), features)(image("init")).style
    expected = [value.item() * factor for value, factor in zip(plain.values(), factors, strict=True)]
    assert [value.item() for value in scaled.values()] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weighting", ["each", "average", "channels"])
@pytest.mark.parametrize("normalised", [False, True])
def test_layer_factors_need_no_style_weight(features: Checkpoint, weighting: str, normalised: bool) -> None:
    changes: dict[str, Any] = {"style_layer_weighting": weighting, "normalised": normalised}
    config = dataclasses.replace(preset("author"), style_weight=0.0, style_layer_factors=(1.0,) * 5, **changes)
    losses = objective(config, features)(image("init"))
    assert losses.style == {}
    assert losses.total.item() > 0


def test_colors_beyond_black_and_white_cost_their_squared_excess(features: Checkpoint) -> None:
    loss = objective(dataclasses.replace(preset("author"), range_weight=3.0), features)
    beyond = image("init")
    beyond[0, :, 0, 0] = 1 + 10 / 127.5  # 10 gray levels above white, in one pixel
    assert loss(image("init")).excess.item() == 0.0
    assert loss(beyond).excess.item() == pytest.approx(3.0 * 100 * 3 / beyond.numel(), rel=1e-3)


@pytest.mark.parametrize(("part", "other"), [("content_weight", "style"), ("style_weight", "content")])
def test_a_part_of_weight_zero_is_not_computed(features: Checkpoint, part: str, other: str) -> None:
    config = dataclasses.replace(preset("author"), **{part: 0.0})
    losses = objective(config, features)(image("init"))
    assert losses.total.item() == pytest.approx(losses.summary()[other])
    assert getattr(losses, part.removesuffix("_weight")) == {}


def test_gram_sums_add_up_over_parts_that_see_their_surroundings(features: Checkpoint) -> None:
    loss = objective(dataclasses.replace(preset("author"), style_layers=("relu1_1",), content_weight=0.0), features)
    whole = loss.sums(image("init"))
    # One 3x3 convolution: a part needs one pixel more on its inner side, whose own position is not counted.
    left = loss.network(image("init")[..., :65], ["relu1_1"])["relu1_1"][..., :64]
    right = loss.network(image("init")[..., 63:], ["relu1_1"])["relu1_1"][..., 1:]
    maps = [part[0].flatten(1) for part in (left, right)]
    torch.testing.assert_close(whole.grams["relu1_1"], sum(part @ part.T for part in maps), rtol=1e-4, atol=1.0)
    assert whole.positions["relu1_1"] == sum(part.shape[1] for part in maps)


NORMALIZED = dataclasses.replace(GatysConfig(), normalised=True)


def scaled_network(features: Checkpoint, factor: float) -> Vgg:
    """A network whose features are all `factor` times as large."""
    network = vgg_files.load(features)
    for convolution in network.convolutions.values():
        convolution.bias.data = convolution.bias.data * factor
    network.convolutions["conv1_1"].weight.data = network.convolutions["conv1_1"].weight.data * factor
    return network


def test_normalized_losses_do_not_depend_on_the_scale_of_the_features(features: Checkpoint) -> None:
    plain, threefold = (
        Objective(NORMALIZED, scaled_network(features, factor), image("content"), [image("style")], [1.0])
        for factor in (1.0, 3.0)
    )
    losses = plain(image("init")).summary()
    assert threefold(image("init")).summary() == pytest.approx(losses, rel=1e-4)


def test_normalized_losses_are_those_of_features_with_mean_square_1(features: Checkpoint) -> None:
    network = vgg_files.load(features)
    square = network(image("content"), ["relu4_2"])["relu4_2"].square().mean().item()
    losses = [
        Objective(config, network, image("content"), [image("style")], [1.0])(image("init")).summary()
        for config in (GatysConfig(), NORMALIZED)
    ]
    assert losses[1]["content"] == pytest.approx(losses[0]["content"] / square, rel=1e-4)
    assert 0 < losses[1]["style"] < losses[0]["style"]


def test_an_image_that_activates_no_feature_has_finite_normalized_losses(features: Checkpoint) -> None:
    network = vgg_files.load(features)
    for convolution in network.convolutions.values():
        convolution.bias.data = torch.full_like(convolution.bias.data, -1e6)
    losses = Objective(NORMALIZED, network, image("content"), [image("style")], [1.0])(image("init"))
    assert losses.total.item() == 0
