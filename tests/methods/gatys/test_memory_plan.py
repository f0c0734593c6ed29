from collections.abc import Sequence

import pytest
import torch

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.memory_plan import MemoryPlan, Size, plan_memory
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg

CONFIG = GatysConfig()


@pytest.fixture(scope="module")
def network(features: Checkpoint) -> Vgg:
    return vgg_files.load(features)


LARGE = (3072, 4096)


def plan(
    network: Vgg,
    memory: float | None,
    iterations: int = 45,
    config: GatysConfig = CONFIG,
    size: Size = LARGE,
    styles: Sequence[Size] = (LARGE,),
) -> MemoryPlan:
    """The plan of a large image for `memory` in gigabytes."""
    return plan_memory(config, network, size, styles, iterations, None if memory is None else int(memory * 1e9))


@pytest.mark.parametrize("memory", [None, 200.0])
def test_an_image_that_fits_is_computed_at_once(network: Vgg, memory: float | None) -> None:
    assert plan(network, memory) == MemoryPlan(CONFIG)


def test_an_image_that_does_not_fit_is_computed_in_bands(network: Vgg) -> None:
    found = plan(network, 20)
    assert (found.config, found.note) == (CONFIG, "in bands of rows")


def test_less_memory_shortens_the_history_and_then_the_bands(network: Vgg) -> None:
    plans = [plan(network, memory / 4) for memory in range(64, 8, -1)]
    histories = [each.config.history_size for each in plans]
    assert histories == sorted(histories, reverse=True)
    assert (histories[0], histories[-1]) == (20, 2)
    assert plans[-1].note == "in bands of rows, L-BFGS remembers 2 steps instead of 20"
    shortest = [each.band_memory for each in plans if each.config.history_size == 2]
    assert shortest[0] > shortest[-1] > 0


def test_few_iterations_need_a_short_history(network: Vgg) -> None:
    assert plan(network, 16, iterations=10).config.history_size == 10


def test_adam_has_no_history(network: Vgg) -> None:
    adam = GatysConfig(optimizer="adam", learning_rate=7.0)
    found = plan(network, 6, config=adam)
    assert found.band_memory
    assert found.note == "in bands of rows"


def test_bfloat16_needs_less(features: Checkpoint, network: Vgg) -> None:
    rounded = vgg_files.load(features)
    rounded.place(torch.device("cpu"), torch.bfloat16)
    assert plan(rounded, 42).band_memory is None
    assert plan(network, 42).band_memory


@pytest.mark.parametrize(("memory", "in_bands"), [(20, False), (10, True)])
def test_large_style_images_are_computed_in_bands_for_a_small_image(
    network: Vgg, memory: float, in_bands: bool
) -> None:
    found = plan(network, memory, size=(768, 1024))
    assert (found.config, found.band_memory) == (CONFIG, None)
    assert bool(found.target_band_memory) == in_bands
    assert found.note == ("style images in bands of rows" if in_bands else "")


def test_larger_and_more_style_images_leave_less_for_their_bands(network: Vgg) -> None:
    sizes = [(LARGE,), (LARGE, LARGE), ((6144, 8192),)]
    plans = [plan(network, 5.5, styles=styles) for styles in sizes]
    assert len({found.band_memory for found in plans}) == 1
    bands = [found.target_band_memory or 0 for found in plans]
    assert bands == sorted(bands, reverse=True)
    assert bands[0] > bands[1]


def test_regions_need_more(network: Vgg) -> None:
    def with_regions(memory: float, regions: int) -> MemoryPlan:
        return plan_memory(CONFIG, network, LARGE, [LARGE] * 2, 45, int(memory * 1e9), regions)

    assert with_regions(48, 0).band_memory is None
    assert with_regions(48, 2).band_memory
    few, none = (with_regions(14, regions).band_memory or 0 for regions in (2, 0))
    assert 0 < few < none
