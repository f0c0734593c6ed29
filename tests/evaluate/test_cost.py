"""Seconds and memory of an image, on machines that report them and on those that do not."""

import sys

import numpy as np
import pytest
import torch

from imgxlate.evaluate import cost
from imgxlate.evaluate.cost import MEMORY, SECONDS, allocated, cost_measures, metered

CPU = torch.device("cpu")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc")


def memory_of(items, device=CPU, before=0):
    return [numbers[MEMORY] for _, numbers in metered(items, device, before)]


def test_each_item_comes_with_its_cost():
    found = list(metered("abc", CPU))
    assert [item for item, _ in found] == ["a", "b", "c"]
    assert all(set(numbers) == {SECONDS.name, MEMORY} and numbers[SECONDS.name] >= 0 for _, numbers in found)


def test_items_are_computed_one_by_one():
    made = []
    found = metered((made.append(n) or n for n in range(3)), CPU)
    assert next(found)[0] == 0
    assert made == [0]


@LINUX
def test_the_memory_of_an_item_shows_in_its_peak_but_not_in_that_of_the_next():
    def work():
        yield 0
        np.ones(80 << 20)  # 640 MiB of float64, released at once
        yield 1
        yield 2

    before, during, after = memory_of(work())
    assert during > before + 600  # Other memory of the process may be released meanwhile.
    assert after < during - 600


def test_if_the_system_does_not_report_memory_it_is_absent_with_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "_PROCESS", tmp_path / "proc")
    assert memory_of("a") == [None]
    assert cost_measures(CPU)[1].how.startswith("Not measured")


def test_on_a_device_of_another_kind_memory_is_absent_with_a_reason():
    assert memory_of("a", torch.device("mps")) == [None]
    assert "mps" in cost_measures(torch.device("mps"))[1].how


def test_on_a_gpu_memory_from_before_the_model_does_not_count(monkeypatch):
    held = {"now": 10 << 20, "peak": 0}
    fake = {
        "memory_allocated": lambda device: held["now"],
        "reset_peak_memory_stats": lambda device: held.update(peak=held["now"]),
        "max_memory_allocated": lambda device: held["peak"],
        "synchronize": lambda device: None,
    }
    for name, function in fake.items():
        monkeypatch.setattr(torch.cuda, name, function)
    gpu = torch.device("cuda")
    before = allocated(gpu)
    held["now"] = 30 << 20  # The model.

    def work():
        held["peak"] = 45 << 20
        yield "a"
        yield "b"

    assert memory_of(work(), gpu, before) == [35, 20]
    assert "GPU" in cost_measures(gpu)[1].how
    assert (cost_measures(gpu)[1].better, cost_measures(CPU)[1].better) == ("lower", None)
