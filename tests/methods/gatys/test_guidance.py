"""Guided Gram matrices: each region has its own style, and nothing else changes."""

import weakref
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.losses.style import guided_gram_gradient, guided_gram_sum
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.gradient import evaluate
from imgxlate.methods.gatys.guidance import Guidance, resize_mask, style_parts
from imgxlate.methods.gatys.method import Gatys
from imgxlate.methods.gatys.objective import Objective
from imgxlate.methods.protocol import Iterate, StyledRegion
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg

LAYERS = ("relu1_1", "relu2_1", "relu3_1")
SIZE = (48, 40)
SMALL = GatysConfig(size=64, iterations=4, coarse_iterations=3, content_layers=("relu2_1",), style_layers=LAYERS)


def noise(seed: int, height: int, width: int) -> Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed)).double() * 0.3


def half(height: int, width: int, side: str = "right") -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., width // 2 :] = 1
    return mask if side == "right" else 1 - mask


@pytest.fixture(scope="module")
def network(features: Checkpoint) -> Vgg:
    network = vgg_files.load(features, pooling="average")
    network.place(torch.device("cpu"), torch.float64)
    return network


@pytest.fixture(scope="module")
def soft_regions() -> list[StyledRegion]:
    """Regions that overlap and leave a rest, one with a part of its style image."""
    soft = torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(5))
    return [StyledRegion(soft, noise(1, 45, 37)), StyledRegion(half(*SIZE), noise(2, 52, 36), half(52, 36))]


def objective(network: Vgg, regions: list[StyledRegion], band_memory: int | None = None, **changes: Any) -> Objective:
    config = GatysConfig(content_layers=("relu2_1",), style_layers=LAYERS, range_weight=0.0, **changes)
    return Objective(config, network, noise(3, *SIZE), [noise(4, 40, 44)], [1.0], band_memory, regions)


@pytest.mark.parametrize(
    ("band_memory", "changes"),
    [(None, {}), (1, {}), (None, {"normalised": True, "gram_scaling": "elements", "style_error": "quarter-sum"})],
)
def test_the_gradient_is_the_one_that_finite_differences_give(
    network: Vgg, soft_regions: list[StyledRegion], band_memory: int | None, changes: dict[str, Any]
) -> None:
    loss, image = objective(network, soft_regions, band_memory, **changes), noise(6, *SIZE)
    _, gradient = evaluate(loss, image, band_memory)
    direction = noise(7, *SIZE)
    step = 1e-6 * direction
    with torch.no_grad():
        expected = (loss(image + step).total - loss(image - step).total) / 2e-6
    assert (gradient * direction).sum().item() == pytest.approx(expected.item(), rel=1e-6)


def test_in_bands_loss_and_gradient_are_those_of_the_whole_image(
    network: Vgg, soft_regions: list[StyledRegion]
) -> None:
    image = noise(6, *SIZE)
    (whole, expected), (banded, gradient) = (
        evaluate(objective(network, soft_regions, memory), image, memory) for memory in (None, 1)
    )
    assert list(banded.style) == list(whole.style)
    assert len(whole.style) == 3 * len(LAYERS)  # two regions and the rest
    assert banded.summary() == pytest.approx(whole.summary(), rel=1e-10)
    assert (gradient - expected).norm() <= 1e-10 * expected.norm()


def test_in_bands_a_layer_that_every_region_is_too_small_for_has_no_style(network: Vgg) -> None:
    image, dot = noise(6, *SIZE), torch.zeros(1, 1, *SIZE)
    dot[..., 20:23, 20:23] = 1
    config = GatysConfig(content_layers=("relu2_1",), style_layers=("relu1_1", "relu3_1"), range_weight=0.0)
    regions = [StyledRegion(dot, noise(4, 40, 44))]
    (whole, expected), (banded, gradient) = (
        evaluate(Objective(config, network, noise(3, *SIZE), [], [], memory, regions), image, memory)
        for memory in (None, 1)
    )
    assert list(banded.style) == ["relu1_1, region 1"]
    assert banded.summary() == pytest.approx(whole.summary(), rel=1e-10)
    assert (gradient - expected).norm() <= 1e-10 * expected.norm()


def test_the_gradient_of_a_guided_gram_matrix_is_the_same_in_both_ways() -> None:
    features, channel = torch.randn(1, 5, 6, 7).double().requires_grad_(), torch.rand(1, 1, 6, 7).double()
    by_gram = torch.randn(5, 5).double()
    assert torch.autograd.gradcheck(lambda values: guided_gram_sum(values, channel), (features,))
    [by_autograd] = torch.autograd.grad(guided_gram_sum(features, channel), features, by_gram)
    torch.testing.assert_close(guided_gram_gradient(features.detach(), channel, by_gram), by_autograd)


def test_a_region_of_the_whole_image_has_the_loss_of_no_region(network: Vgg) -> None:
    image, style = noise(6, *SIZE), noise(4, 40, 44)
    everywhere = objective(network, [StyledRegion(torch.ones(1, 1, *SIZE), style, torch.ones(1, 1, 40, 44))])(image)
    plain = objective(network, [])(image)
    assert [loss.item() for loss in everywhere.style.values()] == pytest.approx(
        [loss.item() for loss in plain.style.values()], rel=1e-5
    )
    assert everywhere.summary() == pytest.approx(plain.summary(), rel=1e-5)


def test_style_and_content_weigh_the_same_in_a_region_as_in_the_whole_image(network: Vgg) -> None:
    """Two halves of one style: what is far from the border between them has the gradient of the whole image."""
    config = GatysConfig(content_layers=(), style_layers=("conv1_1",), range_weight=0.0)
    tile, style = noise(6, 32, 32), noise(4, 40, 44)
    image = torch.cat([tile, tile], dim=3)
    regions = [StyledRegion(half(32, 64, side), style) for side in ("left", "right")]
    halves, whole = (
        evaluate(Objective(config, network, image, styles, [1.0] * len(styles), None, given), image)[1]
        for styles, given in (([], regions), ([style], []))
    )
    inner = slice(4, 28)
    torch.testing.assert_close(halves[..., inner], whole[..., inner], rtol=0.2, atol=0.05 * whole.abs().max().item())


def test_outside_of_all_regions_the_image_has_no_style(network: Vgg) -> None:
    config = GatysConfig(content_weight=0.0, style_layers=("relu1_1",), range_weight=0.0)
    image = noise(6, *SIZE)
    loss = Objective(config, network, noise(3, *SIZE), [], [], None, [StyledRegion(half(*SIZE), noise(4, 40, 44))])
    _, gradient = evaluate(loss, image)
    middle = SIZE[1] // 2
    assert gradient[..., : middle - 1].abs().max() == 0
    assert gradient[..., middle:].abs().max() > 0


def test_where_regions_overlap_they_share_the_pixels_and_the_rest_is_what_they_leave() -> None:
    masks = [torch.tensor([[[[1.0, 1.0, 0.5, 0.0]]]]), torch.tensor([[[[1.0, 0.0, 0.25, 0.0]]]])]
    parts = style_parts([noise(1, 4, 4)], [1.0], [StyledRegion(mask, noise(2, 4, 4)) for mask in masks])
    assert [part.name for part in parts] == ["region 1", "region 2", "the rest"]
    shares = [part.mask.flatten().tolist() for part in parts if part.mask is not None]
    assert shares == [[0.5, 1, 0.5, 0], [0.5, 0, 0.25, 0], [0, 0, 0.25, 1]]
    assert sum(part.share for part in parts) == pytest.approx(1)


def test_masks_that_complement_each_other_leave_no_rest_after_they_are_resized() -> None:
    left = torch.rand(1, 1, 31, 47, generator=torch.Generator().manual_seed(5))
    masks = [resize_mask(mask, (23, 36)) for mask in (left, 1 - left)]
    assert (1 - masks[0] - masks[1]).max() > 0
    parts = style_parts([noise(1, 4, 4)], [1.0], [StyledRegion(mask, noise(2, 4, 4)) for mask in masks])
    assert [part.name for part in parts] == ["region 1", "region 2"]


def test_a_channel_has_squares_with_the_sum_1_and_is_that_of_the_pixels_below(network: Vgg) -> None:
    guides = Guidance.of(network, half(50, 46), LAYERS).guides
    for layer, (height, width) in {"relu1_1": (50, 46), "relu2_1": (25, 23), "relu3_1": (12, 11)}.items():
        channel = guides[layer].channel
        assert channel is not None
        assert channel.shape == (1, 1, height, width)
        assert channel.square().sum().item() == pytest.approx(1)
    soft = guides["relu2_1"].channel
    assert soft is not None
    assert soft[0, 0, 0, 11] == pytest.approx(soft[0, 0, 0, 12] / 2)  # one of its two columns of pixels


def paint(
    features: Checkpoint, content: Tensor, styles: list[Tensor], regions: list[StyledRegion], **changes: Any
) -> list[Iterate]:
    stylizer = Gatys.from_features(replace(SMALL, **changes), features)
    return [*stylizer.stylize(content, styles, None, 0, None, regions)]


def test_a_region_that_is_too_small_for_a_layer_is_left_out_there_and_a_note_says_so(
    features: Checkpoint, content: Tensor, style: Tensor
) -> None:
    dot = torch.zeros(1, 1, 48, 64)
    dot[..., 20:23, 20:23] = 1
    [*_, last] = paint(features, content, [style], [StyledRegion(dot, style), StyledRegion(half(48, 64), style, dot)])
    assert last.note == (
        "region 1 is too small for relu3_1: it has no style there; "
        "the style of region 2 is too small for relu3_1: it has no style there"
    )
    assert last.losses["total"] < 1e9


def test_the_large_masks_of_a_large_image_do_not_stay_in_memory(features: Checkpoint, style: Tensor) -> None:
    mask, style_mask = half(96, 128), torch.ones(1, 1, *style.shape[2:])
    masks = [weakref.ref(mask), weakref.ref(style_mask)]
    config = replace(SMALL, style_scale=0.5)
    iterates = Gatys.from_features(config, features).stylize(
        noise(1, 96, 128).float(), [], None, 0, None, [StyledRegion(mask, style, style_mask)]
    )
    del mask, style_mask
    next(iterates)
    assert [large() for large in masks] == [None, None]


def test_each_region_takes_the_colors_of_its_style(features: Checkpoint, content: Tensor) -> None:
    red, blue = (torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(seed)) - 1 for seed in (1, 2))
    red[:, 0] += 1
    blue[:, 2] += 1
    regions = [StyledRegion(half(48, 64, "left"), red), StyledRegion(half(48, 64), blue)]
    [*_, last] = paint(features, content, [], regions, iterations=20)
    change = last.image() - content
    left, right = change[..., :24].mean(dim=(0, 2, 3)), change[..., -24:].mean(dim=(0, 2, 3))
    assert left[0] - left[2] > 0.1
    assert right[2] - right[0] > 0.1


def test_masks_are_resized_with_soft_edges_between_0_and_1() -> None:
    resized = resize_mask(half(30, 40), (45, 61))
    assert resized.shape == (1, 1, 45, 61)
    assert (resized.min(), resized.max()) == (0, 1)
    assert 0 < (resized * (1 - resized)).max() < 1
