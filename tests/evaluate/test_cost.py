"""Seconds and memory of a picture, on machines that tell and on those that do not."""

import sys

import numpy as np
import pytest
import torch

from imgxlate.evaluate.cost import MEMORY, SECONDS, Meter

CPU = torch.device("cpu")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux'")


def test_each_picture_comes_with_what_it_cost():
    watched = list(Meter(CPU).watch(iter("abc")))
    assert [picture for picture, _ in watched] == ["a", "b", "c"]
    assert all(cost.seconds >= 0 for _, cost in watched)
    assert all(cost.numbers == {SECONDS.name: cost.seconds, MEMORY: cost.mebibytes} for _, cost in watched)


def test_pictures_are_made_when_they_are_asked_for():
    made = []
    watched = Meter(CPU).watch(made.append(n) or n for n in range(3))
    assert next(watched)[0] == 0
    assert made == [0]


@LINUX
def test_memory_that_a_picture_takes_shows_in_its_peak_and_not_in_the_next_ones():
    def work():
        yield 0
        np.ones(40 << 20)  # 320 MiB of float64, given back at once
        yield 1
        yield 2

    before, during, after = (cost.mebibytes for _, cost in Meter(CPU).watch(work()))
    assert during > before + 300
    assert after < during - 300


def test_where_the_system_does_not_tell_memory_is_absent_with_a_reason(tmp_path):
    meter = Meter(CPU, process=tmp_path / "proc")
    assert [cost.mebibytes for _, cost in meter.watch("a")] == [None]
    assert meter.measures()[1].how.startswith("Not taken")


def test_on_a_device_of_another_kind_memory_is_absent_with_a_reason():
    meter = Meter(torch.device("mps"))
    assert [cost.mebibytes for _, cost in meter.watch("a")] == [None]
    assert "mps" in meter.measures()[1].how


def test_on_a_gpu_what_was_there_before_the_model_does_not_count(monkeypatch):
    held = {"now": 10 << 20, "peak": 0}
    fake = {
        "memory_allocated": lambda device: held["now"],
        "reset_peak_memory_stats": lambda device: held.update(peak=held["now"]),
        "max_memory_allocated": lambda device: held["peak"],
        "synchronize": lambda device: None,
    }
    for name, function in fake.items():
        monkeypatch.setattr(torch.cuda, name, function)
    meter = Meter(torch.device("cuda"))
    held["now"] = 30 << 20  # The model.

    def work():
        held["peak"] = 45 << 20
        yield "a"
        yield "b"

    assert [cost.mebibytes for _, cost in meter.watch(work())] == [35, 20]
    assert "GPU" in meter.measures()[1].how
    assert (meter.measures()[1].better, Meter(CPU).measures()[1].better) == ("lower", None)
