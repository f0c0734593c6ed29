"""The temporal loss of films, and frames that begin from the last output."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.method import Gatys, _Evaluation
from imgxlate.methods.gatys.objective import Objective
from imgxlate.methods.gatys.temporal import TemporalLoss
from imgxlate.methods.protocol import Iterate, MovedOutput
from imgxlate.nn import vgg_files

SHALLOW: dict[str, Any] = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1")}
QUICK = GatysConfig(size=48, scales=1, iterations=4, frame_iterations=3, **SHALLOW)


def noise(seed: int, height: int = 32, width: int = 36) -> Tensor:
    return (
        torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 1.6 - 0.8
    )


def left_half(height: int = 32, width: int = 36) -> Tensor:
    """Weights of 1 in the left half, and 0 in the right one."""
    weights = torch.zeros(1, 1, height, width)
    weights[..., : width // 2] = 1
    return weights


def paint(features: Checkpoint, last: MovedOutput | None, **changes: Any) -> list[Iterate]:
    stylizer = Gatys.from_features(dataclasses.replace(QUICK, **changes), features)
    content, style = noise(0, 36, 48).float(), noise(1, 40, 40).float()
    return list(stylizer.stylize(content, [style], None, 0, last=last))


def test_the_loss_is_the_mean_squared_difference_in_gray_levels_where_flow_is_consistent() -> None:
    loss, _ = TemporalLoss(3.0, noise(0), left_half())(noise(0) + 2 / 127.5)
    assert loss.item() == pytest.approx(3 * 2**2 / 2)  # weight, squared difference, half of the pixels


def test_the_gradient_is_that_of_finite_differences() -> None:
    temporal, image = TemporalLoss(3.0, noise(0), torch.rand(1, 1, 32, 36, dtype=torch.float64)), noise(1)
    _, gradient = temporal(image)
    for channel, row, column in ((0, 0, 0), (1, 31, 35), (2, 17, 4)):
        step = torch.zeros_like(image)
        step[0, channel, row, column] = 1e-4
        slope = (temporal(image + step)[0] - temporal(image - step)[0]) / 2e-4
        assert gradient[0, channel, row, column].item() == pytest.approx(slope.item(), rel=1e-6)


@pytest.mark.parametrize("band_memory", [None, 3_000_000])
def test_the_gradient_of_the_whole_loss_is_that_of_finite_differences(
    features: Checkpoint, band_memory: int | None
) -> None:
    network = vgg_files.load(features)
    network.place(torch.device("cpu"), torch.float64)
    objective = Objective(GatysConfig(**SHALLOW), network, noise(0), [noise(1)], [1.0])
    evaluate = _Evaluation(objective, band_memory, TemporalLoss(1e4, noise(2), left_half()))
    image = (noise(3) + 1) * 127.5
    _, gradient = evaluate(image)
    for channel, row, column in ((0, 3, 4), (2, 20, 30)):  # with and without temporal loss
        step = torch.zeros_like(image)
        step[0, channel, row, column] = 1e-3
        slope = (evaluate(image + step)[0].total - evaluate(image - step)[0].total) / 2e-3
        assert gradient[0, channel, row, column].item() == pytest.approx(slope.item(), rel=1e-4)


def test_the_temporal_loss_is_a_part_of_the_total(features: Checkpoint) -> None:
    losses = paint(features, MovedOutput(noise(2, 36, 48).float(), left_half(36, 48)))[-1].losses
    assert losses["temporal"] > 0
    assert losses["total"] == pytest.approx(sum(losses.values()) - losses["total"], rel=1e-5)


def test_an_image_without_a_last_output_has_no_temporal_loss(features: Checkpoint) -> None:
    assert "temporal" not in paint(features, None)[-1].losses


def test_a_frame_begins_from_the_last_output_at_the_full_size_alone(features: Checkpoint) -> None:
    last = MovedOutput(noise(2, 36, 48).float(), left_half(36, 48))
    iterates = paint(features, last, scales=2)
    assert [(each.size, each.iterations) for each in iterates] == [((36, 48), 3)] * 3
    assert iterates[0].losses["temporal"] == pytest.approx(0, abs=1e-3)
    assert iterates[-1].losses["temporal"] > 1


def test_the_loss_keeps_the_last_output_where_flow_is_consistent(features: Checkpoint) -> None:
    last = MovedOutput(noise(2, 36, 48).float(), left_half(36, 48))

    def change(weight: float) -> Tensor:
        """Of each column."""
        image = paint(features, last, temporal_weight=weight, frame_iterations=8)[-1].image()
        return (image - last.image).abs().mean((0, 1, 2))

    free, kept = change(0), change(1e5)
    assert kept[:22].mean() < 0.5 * free[:22].mean()
    assert kept[26:].mean() > 0.8 * free[26:].mean()


def test_in_luminance_mode_the_last_output_counts_by_its_luminance(features: Checkpoint) -> None:
    painted = paint(features, None, preserve_color="luminance", iterations=12)[-1].image()
    still = MovedOutput(painted, torch.ones(1, 1, 36, 48))
    losses = paint(features, still, preserve_color="luminance")[0].losses
    assert losses["temporal"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("shape", [(12, 20), (36, 48)])
def test_frames_of_any_size_are_painted(features: Checkpoint, shape: tuple[int, int]) -> None:
    last = MovedOutput(noise(2, *shape).float(), left_half(*shape))
    assert paint(features, last)[-1].image().isfinite().all()
