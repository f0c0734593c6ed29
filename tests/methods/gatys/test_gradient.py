import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.gradient import evaluate
from imgxlate.methods.gatys.objective import Losses, Objective
from imgxlate.nn import vgg_files

LAYERS = ("relu1_1", "conv1_2", "pool1", "relu2_1", "relu2_2", "pool2", "conv3_1", "relu3_1")


def noisy_image(seed: int, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """Colors that also leave [-1, 1]."""
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed)).to(dtype) * 0.7


def losses_and_gradients(
    features: Checkpoint,
    config: GatysConfig,
    dtype: torch.dtype,
    size: tuple[int, int],
    styles: int,
    memory: int,
) -> list[tuple[Losses, Tensor]]:
    """Of the whole image, and in bands."""
    network = vgg_files.load(features, pooling=config.pooling)
    network.place(torch.device("cpu"), dtype)
    of_image = torch.promote_types(dtype, torch.float32)
    guides = [noisy_image(seed, 40 + 9 * seed, 37, of_image) for seed in range(styles)]
    content, image = (noisy_image(seed, *size, of_image) for seed in (10, 11))
    weights = [1 / styles] * styles
    return [
        evaluate(Objective(config, network, content, guides, weights, each), image, each) for each in (None, memory)
    ]


def assert_equal(pairs: list[tuple[Losses, Tensor]], loss_error: float, gradient_error: float) -> None:
    (whole, expected), (banded, gradient) = pairs
    assert list(banded.content) == list(whole.content)
    assert list(banded.style) == list(whole.style)
    for name in ("content", "style"):
        for layer, loss in getattr(whole, name).items():
            assert getattr(banded, name)[layer].item() == pytest.approx(loss.item(), rel=loss_error)
    assert banded.summary() == pytest.approx(whole.summary(), rel=loss_error)
    assert (gradient - expected).norm() <= gradient_error * expected.norm()


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.tuples(st.integers(32, 70), st.integers(32, 50)),
    memory=st.sampled_from([1, 3_000_000, 10**9]),
    styles=st.integers(1, 2),
    content_layers=st.lists(st.sampled_from(LAYERS), max_size=2, unique=True).map(tuple),
    style_layers=st.lists(st.sampled_from(LAYERS), max_size=3, unique=True).map(tuple),
    changes=st.fixed_dictionaries(
        {
            "pooling": st.sampled_from(["max", "average"]),
            "tv_weight": st.sampled_from([0.0, 1e-2]),
            "tv_kind": st.sampled_from(["absolute", "squared"]),
            "content_weight": st.sampled_from([0.0, 80.0]),
            "style_weight": st.sampled_from([0.0, 1e3]),
            "normalised": st.booleans(),
        }
    ),
)
def test_in_bands_loss_and_gradient_are_those_of_the_whole_image(
    features: Checkpoint,
    size: tuple[int, int],
    memory: int,
    styles: int,
    content_layers: tuple[str, ...],
    style_layers: tuple[str, ...],
    changes: dict[str, Any],
) -> None:
    config = GatysConfig(content_layers=content_layers, style_layers=style_layers, **changes)
    assert_equal(losses_and_gradients(features, config, torch.float64, size, styles, memory), 1e-10, 1e-10)


def test_in_bands_the_default_keeps_its_loss_and_gradient_in_float32(features: Checkpoint) -> None:
    config = dataclasses.replace(GatysConfig(), tv_weight=1e-3)
    pairs = losses_and_gradients(features, config, torch.float32, (131, 90), 1, 5_000_000)
    assert_equal(pairs, 1e-5, 1e-4)


def test_in_bands_the_default_keeps_its_loss_and_gradient_in_bfloat16_up_to_rounding(features: Checkpoint) -> None:
    assert_equal(losses_and_gradients(features, GatysConfig(), torch.bfloat16, (131, 90), 1, 5_000_000), 1e-3, 0.02)
