import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.images import color
from imgxlate.methods.gatys import SPEC, method
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.method import Gatys, scale_iterations, scale_sizes
from imgxlate.methods.protocol import Iterate, Stylizer
from imgxlate.methods.spec import MethodConfig
from imgxlate.nn.vgg import Vgg

QUICK = GatysConfig(size=48, scales=1, iterations=6)


def paint(
    features: Checkpoint,
    content: Tensor,
    styles: list[Tensor],
    given: Tensor | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    memory: int | None = None,
    **changes: Any,
) -> list[Iterate]:
    stylizer = Gatys.from_features(dataclasses.replace(QUICK, **changes), features)
    stylizer.place(torch.device("cpu"), dtype)
    return list(stylizer.stylize(content, styles, given, seed, memory))


def test_it_is_a_stylizer(features: Checkpoint) -> None:
    assert isinstance(Gatys.from_features(GatysConfig(), features), Stylizer)


def test_the_loss_falls_and_the_image_is_in_range(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    iterates = paint(features, content, [style])
    assert [iterate.iteration for iterate in iterates] == [1, 2, 3, 4, 5, 6]
    assert iterates[-1].losses["total"] < iterates[0].losses["total"]
    image = iterates[-1].image()
    assert image.shape == (1, 3, 36, 48)
    assert image.dtype == torch.float32
    assert image.min() >= -1
    assert image.max() <= 1


def test_sizes_go_from_coarse_to_fine(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    iterates = paint(features, content, [style], size=96, scales=2, scale_factor=2.0, iterations=2, coarse_iterations=3)
    places = [(iterate.scale, iterate.scales, iterate.size, iterate.iterations) for iterate in iterates]
    assert places == [(0, 2, (36, 48), 3)] * 3 + [(1, 2, (72, 96), 2)] * 2


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({"size": 512, "scale_factor": 2.0, "coarsest_size": 128}, [128, 256, 512]),
        ({"size": 500, "scale_factor": 2.0, "coarsest_size": 128}, [250, 500]),
        ({"size": 100, "coarsest_size": 128}, [100]),
        ({"size": 512, "scale_factor": 2.0, "scales": 2}, [256, 512]),
        ({"size": 100, "scale_factor": 2.0, "scales": 10**9}, [50, 100]),
        ({"size": 3, "scale_factor": 2.0, "scales": 4}, [3]),
        ({"size": 40, "scale_factor": 1.1, "coarsest_size": 1}, [33, 36, 40]),
    ],
)
def test_the_number_of_scales_can_be_set(changes: dict[str, Any], sizes: list[int]) -> None:
    assert scale_sizes(dataclasses.replace(GatysConfig(scales=None), **changes)) == sizes


@pytest.mark.parametrize(
    ("changes", "iterations"),
    [
        ({"iteration_growth": None}, [10, 70, 70, 70, 70]),
        ({"iteration_growth": 2.0}, [10, 20, 40, 70, 70]),
        ({"iteration_growth": 1.5}, [10, 15, 22, 34, 51]),
        ({"iteration_growth": 1.0}, [10, 10, 10, 10, 10]),
    ],
)
def test_iterations_may_grow_from_a_size_to_the_next_smaller_one(
    changes: dict[str, Any], iterations: list[int]
) -> None:
    config = GatysConfig(iterations=10, coarse_iterations=70, **changes)
    assert [scale_iterations(config, coarser) for coarser in range(5)] == iterations


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("mode", ["off", "luminance", "match"])
def test_with_little_memory_it_paints_the_same_image_in_bands(
    features: Checkpoint, content: Tensor, style: Tensor, dtype: torch.dtype, mode: str
) -> None:
    whole, banded = (
        paint(features, content, [style], memory=memory, iterations=3, dtype=dtype, preserve_color=mode)[-1]
        for memory in (None, 1)
    )
    assert (whole.memory_plan, banded.memory_plan) == ("", "in bands of rows, L-BFGS remembers 2 steps instead of 3")
    error = 1e-3 if dtype is torch.float32 else 0.05
    assert (banded.image() - whole.image()).square().mean().sqrt() < error


@pytest.mark.parametrize("memory", [None, 200_000_000])
def test_if_memory_runs_out_it_goes_on_in_smaller_bands(
    features: Checkpoint, content: Tensor, style: Tensor, memory: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    [expected] = paint(features, content, [style], iterations=1)
    compute, heights = Vgg.advance, []

    def exhausted(network: Vgg, x: Tensor, names: Sequence[str], layers: Collection[str]) -> dict[str, Tensor]:
        if x.requires_grad and x.shape[1] == 3:
            heights.append(x.shape[2])
            if x.shape[2] > 20:
                raise RuntimeError("CUDA out of memory")
        return compute(network, x, names, layers)

    monkeypatch.setattr(Vgg, "advance", exhausted)
    [iterate] = paint(features, content, [style], iterations=1, memory=memory)
    assert heights[0] == 36
    assert heights[-1] <= 20
    assert iterate.losses["total"] == pytest.approx(expected.losses["total"], rel=1e-5)
    assert (expected.memory_plan, iterate.memory_plan) == ("", "in bands of rows")


def test_if_memory_for_the_style_image_runs_out_its_features_are_computed_in_smaller_bands(
    features: Checkpoint, content: Tensor, style: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    [expected] = paint(features, content, [style], iterations=1)
    compute, heights = Vgg.advance, []

    def exhausted(network: Vgg, x: Tensor, names: Sequence[str], layers: Collection[str]) -> dict[str, Tensor]:
        if x.shape[1] == 3 and not x.requires_grad:
            heights.append(x.shape[2])
            if x.shape[2] > 20:
                raise MemoryError
        return compute(network, x, names, layers)

    monkeypatch.setattr(Vgg, "advance", exhausted)
    [iterate] = paint(features, content, [style], iterations=1)
    assert heights[0] == 36
    assert heights[-1] <= 20
    assert iterate.losses["total"] == pytest.approx(expected.losses["total"], rel=1e-4)


def test_large_style_images_are_computed_in_bands(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    whole, banded = (
        paint(features, content, [style], iterations=1, style_scale=3.0, memory=memory)[-1]
        for memory in (None, 10_000_000)
    )
    assert (whole.memory_plan, banded.memory_plan) == ("", "style images in bands of rows")
    assert banded.losses["total"] == pytest.approx(whole.losses["total"], rel=1e-4)


def test_other_errors_are_raised(
    features: Checkpoint, content: Tensor, style: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(method, "evaluate", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        paint(features, content, [style], iterations=1)


def test_only_sizes_that_do_not_fit_are_painted_in_bands(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    changes = {"size": 96, "scales": 2, "iterations": 1, "coarse_iterations": 1}
    iterates = paint(features, content, [style], memory=15_000_000, **changes)
    assert [bool(iterate.memory_plan) for iterate in iterates] == [False, True]


def test_the_same_seed_gives_the_same_image_and_another_seed_another(
    features: Checkpoint, content: Tensor, style: Tensor
) -> None:
    one, again, other = (
        paint(features, content, [style], seed=seed, init="noise", iterations=2)[-1].image() for seed in (3, 3, 4)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("kind", ["content", "style"])
def test_init_sets_the_image_to_start_from(features: Checkpoint, content: Tensor, style: Tensor, kind: str) -> None:
    (iterate,) = paint(features, content, [style], iterations=1, init=kind)
    expected = torch.nn.functional.interpolate(
        content if kind == "content" else style, (36, 48), mode="bicubic", antialias=True
    )
    torch.testing.assert_close(iterate.image(), expected.clamp(-1, 1), rtol=0, atol=0.05)


def test_it_starts_from_a_given_image(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    given = torch.full((1, 3, 36, 48), 0.25)
    (iterate,) = paint(features, content, [style], given, iterations=1)
    torch.testing.assert_close(iterate.image(), given)


def test_a_style_image_of_weight_zero_has_no_effect(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    other = -style
    alone = paint(features, content, [style], iterations=3)[-1].image()
    weighted = paint(features, content, [style, other], iterations=3, style_weights=(2.0, 0.0))[-1].image()
    torch.testing.assert_close(alone, weighted, rtol=0, atol=0.02)
    both = paint(features, content, [style, other], iterations=3)[-1].image()
    assert (both - alone).abs().max() > 0.02


def test_each_style_needs_a_weight(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    with pytest.raises(UsageError, match="3 style weights for 1 style") as caught:
        paint(features, content, [style], style_weights=(1.0, 1.0, 1.0))
    assert "one weight for each style image" in str(caught.value.hint)


# Each pair has an option that empties what the other one counts or weighs.
@pytest.mark.parametrize(
    "changes",
    [
        {"style_weight": 0.0, "style_layer_factors": (1.0, 1.0, 1.0, 1.0, 1.0)},
        {"style_weight": 0.0, "style_layer_weighting": "average"},
        {"style_weight": 0.0, "style_weights": (1.0,)},
        {"style_weight": 0.0, "init": "style"},
        {"style_layers": (), "style_layer_weighting": "average"},
        {"style_layers": (), "normalised": True},
        {"content_weight": 0.0, "content_error": "half-sum"},
        {"content_layers": (), "content_weight": 5.0},
        {"content_weight": 0.0, "style_weight": 0.0},
        {"content_layers": (), "style_layers": ()},
        {"tv_weight": 0.0, "range_weight": 0.0},
        {"noise": 0.0, "init": "noise"},
        {"size": 1, "scales": 3},
    ],
)
def test_empty_layer_lists_and_zero_weights_still_paint(
    features: Checkpoint, content: Tensor, style: Tensor, changes: dict[str, Any]
) -> None:
    assert paint(features, content, [style], **{"iterations": 2, **changes})[-1].image().isfinite().all()


def test_luminance_mode_keeps_the_contents_chroma(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    muted, iterate = content * 0.3, None  # so that nothing is clipped
    iterate = paint(features, muted, [style * 0.3], preserve_color="luminance")[-1]
    small = torch.nn.functional.interpolate(muted, iterate.size, mode="bicubic", antialias=True)
    image = iterate.image()
    chroma, expected = (image - color.luminance(image) for image in (image, small))
    torch.testing.assert_close(chroma, expected, rtol=0, atol=1e-2)
    assert not torch.allclose(image, small, atol=1e-2)


def test_match_mode_paints_as_with_style_images_in_the_contents_colors(
    features: Checkpoint, content: Tensor, style: Tensor
) -> None:
    recolored = color.match_colors(style, content)
    by_hand = paint(features, content, [recolored], size=70)[-1].image()  # the style's size: it is not resized
    image = paint(features, content, [style], size=70, preserve_color="match")[-1].image()
    torch.testing.assert_close(image, by_hand, rtol=0, atol=0.05)
    assert not torch.allclose(image, paint(features, content, [style], size=70)[-1].image(), atol=0.05)


def test_a_layer_that_the_network_lacks_is_refused_with_the_nearest(features: Checkpoint) -> None:
    with pytest.raises(UsageError, match="relu4_9") as caught:
        Gatys.from_features(GatysConfig(content_layers=("relu4_9",)), features)
    assert "relu4_" in str(caught.value.hint)


def test_a_file_without_features_is_refused(features: Checkpoint) -> None:
    with pytest.raises(CheckpointError):
        Gatys.from_features(GatysConfig(), Checkpoint(features.path, {"x": torch.zeros(1)}))


def test_another_methods_configuration_is_refused(features: Checkpoint) -> None:
    with pytest.raises(UsageError, match="GatysConfig"):
        Gatys.from_features(MethodConfig(), features)


def test_the_convention_can_be_overruled(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    told, overruled = (
        paint(features, content, [style], iterations=1, convention=name)[-1].losses["total"]
        for name in ("auto", "torchvision")
    )
    assert told != pytest.approx(overruled, rel=0.1)


@pytest.mark.parametrize("preset", SPEC.presets)
def test_every_preset_paints(features: Checkpoint, content: Tensor, style: Tensor, preset: str) -> None:
    config = SPEC.presets[preset]
    assert isinstance(config, GatysConfig)
    small = dataclasses.replace(config, size=48, coarsest_size=32, iterations=8, coarse_iterations=4)
    iterates = list(Gatys.from_features(small, features).stylize(content, [style], None, 0))
    last = [iterate.losses["total"] for iterate in iterates if iterate.scale == iterate.scales - 1]
    assert min(last) < last[0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1)])
def test_images_of_any_shape_can_be_painted(features: Checkpoint, style: Tensor, shape: tuple[int, int]) -> None:
    sliver = torch.zeros(1, 3, *shape)
    for pair in ((sliver, style), (style, sliver)):
        image = paint(features, pair[0], [pair[1]], size=40, iterations=2)[-1].image()
        assert image.isfinite().all()
        assert max(image.shape[2:]) == 40


def test_a_panorama_keeps_its_proportions(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    """It is padded to what the network can pool, and the padding is cut off: at every size, from any start."""
    wide = content[:, :, :5, :].repeat(1, 1, 1, 2)  # (1, 3, 5, 128)
    options: dict[str, Any] = {"size": 80, "scales": 2, "scale_factor": 2.0, "iterations": 2, "coarse_iterations": 1}
    iterates = paint(features, wide, [style, wide], **options)
    assert [iterate.size for iterate in iterates] == [(2, 40), (3, 80), (3, 80)]
    assert [iterate.image().shape[2:] for iterate in iterates[1:]] == [(3, 80)] * 2
    tall = paint(features, wide.transpose(2, 3), [style], given=style, preserve_color="luminance", **options)
    assert tall[-1].image().shape[2:] == (80, 3)


def test_bfloat16_reaches_the_loss_of_float32(features: Checkpoint, content: Tensor, style: Tensor) -> None:
    exact, rounded = (
        min(iterate.losses["total"] for iterate in paint(features, content, [style], iterations=40, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert rounded == pytest.approx(exact, rel=0.15)


def test_content_alone_needs_no_style(features: Checkpoint, content: Tensor) -> None:
    iterates = paint(features, content, [], style_weight=0.0, init="noise")
    assert iterates[-1].losses["total"] < iterates[0].losses["total"]
    assert iterates[-1].losses["style"] == 0


@pytest.mark.parametrize("changes", [{}, {"style_weight": 0.0, "init": "style"}])
def test_a_missing_style_image_is_an_error(features: Checkpoint, content: Tensor, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no style image"):
        paint(features, content, [], **changes)
