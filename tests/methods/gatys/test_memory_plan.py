import pytest
import torch

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.memory_plan import MemoryPlan, plan_memory
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg

CONFIG = GatysConfig()
LARGE = (3072, 4096)


@pytest.fixture(scope="module")
def network(features: Checkpoint) -> Vgg:
    return vgg_files.load(features)


def plan(
    network: Vgg,
    memory: float | None,
    iterations: int = 45,
    config: GatysConfig = CONFIG,
    size: tuple[int, int] = LARGE,
) -> MemoryPlan:
    """The plan for `memory` in gigabytes."""
    return plan_memory(config, network, size, iterations, None if memory is None else int(memory * 1e9))


@pytest.mark.parametrize("memory", [None, 200.0])
def test_an_image_that_fits_is_computed_at_once(network: Vgg, memory: float | None) -> None:
    assert plan(network, memory) == MemoryPlan(CONFIG)
    assert str(plan(network, memory)) == ""


def test_an_image_that_does_not_fit_is_computed_in_bands(network: Vgg) -> None:
    found = plan(network, 20)
    assert found.config == CONFIG
    assert str(found) == "in bands of rows, L-BFGS remembers 20 steps"


def test_less_memory_shortens_the_history_and_then_the_bands_and_then_takes_adam(network: Vgg) -> None:
    plans = [plan(network, memory / 4) for memory in range(64, 8, -1)]
    kinds = [each.config.optimizer for each in plans]
    assert kinds == sorted(kinds, reverse=True)
    assert {*kinds} == {"lbfgs", "adam"}
    histories = [each.config.history_size for each in plans if each.config.optimizer == "lbfgs"]
    assert histories == sorted(histories, reverse=True)
    assert (histories[0], histories[-1]) == (20, 4)
    assert all(each.band_memory for each in plans)


def test_few_iterations_need_a_short_history(network: Vgg) -> None:
    assert plan(network, 16, iterations=10).config.history_size == 10


def test_adam_stays_adam_with_its_step(network: Vgg) -> None:
    adam = GatysConfig(optimizer="adam", learning_rate=7.0)
    found = plan(network, 6, config=adam)
    assert found.band_memory
    assert found.config == adam


def test_bfloat16_needs_less(features: Checkpoint, network: Vgg) -> None:
    rounded = vgg_files.load(features)
    rounded.place(torch.device("cpu"), torch.bfloat16)
    size = (384, 512)
    assert plan(rounded, 0.6, size=size).band_memory is None
    assert plan(network, 0.6, size=size).band_memory
