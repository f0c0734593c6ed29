"""Choosing the algorithm of a convolution: measured once, then remembered."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from imgxlate.nn import algorithms
from imgxlate.nn.algorithms import Choices, Layer, choices_file, expected, machine, measure, read_choices
from imgxlate.nn.winograd import Geometry

DEEP = Layer(channels=128, outputs=128, kernel=3, stride=1, positions=64 * 64)


@pytest.fixture
def measured(monkeypatch):
    """Replace the measurement; returns what was measured, and what the answer is."""
    asked = []

    def answer(operation, layer):
        asked.append((operation, layer))
        return "winograd"

    monkeypatch.setattr(algorithms, "measure", answer)
    return asked


def test_a_choice_is_measured_once_and_remembered_by_later_processes(measured):
    first, later = Choices(), Choices()
    assert [first.find("output", DEEP) for _ in range(3)] == ["winograd"] * 3
    assert later.find("output", DEEP) == "winograd"
    assert measured == [("output", DEEP)]
    assert read_choices(choices_file()) == {machine(): {"output 3x3 128->128 64x64": "winograd"}}


def test_the_user_is_told_once_before_the_first_measurement(measured):
    told, known = Choices(), Choices()
    notes = []
    told.notify = lambda text: notes.append((text, len(measured)))
    for side in (64, 32):
        told.find("output", Layer(128, 128, 3, 1, side * side))
    [(text, earlier)] = notes
    assert text.startswith("measuring which convolution algorithms are fastest")
    assert earlier == 0
    known.notify = pytest.fail  # A remembered choice is no measurement.
    known.find("output", DEEP)
    assert len(measured) == 2


def test_the_summary_tells_the_algorithm_of_each_operation_and_how_often(measured):
    found = Choices()
    for _ in range(3):
        found.find("output", DEEP)
    assert found.summary() == ["convolution, output 3x3 128->128 64x64: winograd, 3x"]


def test_operations_and_sizes_are_chosen_for_one_by_one(measured):
    found = Choices()
    smaller = Layer(128, 128, 3, 1, 16 * 16)
    for operation, layer in (
        ("output", DEEP),
        ("input gradient", DEEP),
        ("weight gradient", DEEP),
        ("output", smaller),
    ):
        found.find(operation, layer)
    assert len(measured) == 4


def test_similar_sizes_share_a_choice(measured):
    found = Choices()
    for side in (60, 64, 68):
        found.find("output", Layer(128, 128, 3, 1, side * side))
    assert len(measured) == 1


def test_another_version_of_torch_is_another_machine(measured, monkeypatch):
    Choices().find("output", DEEP)
    monkeypatch.setattr(torch, "__version__", "2.99")
    Choices().find("output", DEEP)
    assert len(measured) == 2
    assert len(read_choices(choices_file())) == 2


@pytest.mark.parametrize(
    "layer",
    [
        Layer(3, 64, 3, 1, 256 * 256),  # of an image
        Layer(64, 3, 3, 1, 256 * 256),
        Layer(64, 64, 3, 1, 8 * 8),  # takes less time than a choice
    ],
)
def test_where_a_measurement_does_not_pay_the_choice_is_direct(measured, layer):
    assert Choices().find("output", layer) == "direct"
    assert not measured
    assert not choices_file().exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1}', b"\xff", b'{"a": {"output": "magic"}}'])
def test_a_damaged_file_is_replaced(measured, content):
    choices_file().write_bytes(content)
    assert Choices().find("output", DEEP) == "winograd"
    assert len(measured) == 1
    assert json.loads(choices_file().read_bytes())[machine()] == {"output 3x3 128->128 64x64": "winograd"}


def test_what_cannot_be_remembered_is_not_measured(measured, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMGXLATE_CACHE", str(tmp_path / "file" / "cache"))
    layers = [DEEP, Layer(128, 32, 3, 1, 4096), Layer(128, 128, 4, 2, 4096)]
    assert [Choices().find("output", layer) for layer in layers] == [expected("output", layer) for layer in layers]
    assert {expected("output", layer) for layer in layers} == {"direct", "winograd"}
    assert not measured


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("operation", ["output", "input gradient", "weight gradient"])
@pytest.mark.parametrize("faster", ["direct", "winograd"])
def test_the_faster_algorithm_is_chosen(monkeypatch, operation, faster, stride):
    """The clock runs only while the slower one computes."""
    clock = 0.0

    def slowed(compute):
        def computed(*arguments, **options):
            nonlocal clock
            clock += 1
            return compute(*arguments, **options)

        return computed

    slow = algorithms.winograd if faster == "direct" else algorithms.functional
    names = {algorithms.winograd: ("convolve", "gradients"), algorithms.functional: ("conv2d",)}[slow]
    for name in names:
        monkeypatch.setattr(slow, name, slowed(getattr(slow, name)))
    if faster == "winograd":
        monkeypatch.setattr(algorithms, "direct_gradients", slowed(algorithms.direct_gradients))
    monkeypatch.setattr(algorithms.time, "perf_counter", lambda: clock)
    assert measure(operation, Layer(32, 32, 2 + stride, stride, 32 * 32)) == faster


def test_on_a_busy_machine_the_choice_is_the_usual_one_and_stays(monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(algorithms.time, "perf_counter", lambda: 2.0 ** next(ticks))  # No time is like another.
    shallow, deep = Layer(32, 32, 3, 1, 32 * 32), Layer(128, 128, 3, 1, 32 * 32)
    assert measure("output", shallow) is None
    assert [Choices().find("output", layer) for layer in (shallow, deep)] == ["direct", "winograd"]
    assert len(read_choices(choices_file())[machine()]) == 2


def test_a_measurement_keeps_the_number_of_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        measure("output", Layer(32, 32, 3, 1, 32 * 32))
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_the_measured_size_is_that_of_the_layer_up_to_a_limit():
    assert Layer(128, 128, 3, 1, 64 * 64).side == 64
    assert Layer(64, 64, 3, 1, 4000 * 4000).side == 256
    assert Layer(512, 512, 3, 1, 4000 * 4000).side == 32
    assert Layer(16, 16, 3, 1, 1).side == 1
    x, weight = torch.empty(3, 8, 20, 30), torch.empty(5, 8, 4, 4)
    assert Layer.of(x, weight, Geometry(4, 2, 1)) == Layer(8, 5, 4, 2, 3 * 10 * 15)


def test_processes_that_start_at_once_agree(tmp_path):
    """Their choices may differ from run to run, because they are measured, but not between the processes."""
    code = (
        "from imgxlate.nn.algorithms import Choices, Layer\n"
        "choices = Choices()\n"
        "print([choices.find(o, Layer(c, c, 3, 1, 1024)) for c in (32, 48, 64, 96)"
        " for o in ('output', 'input gradient', 'weight gradient')])"
    )
    environment = os.environ | {"IMGXLATE_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert outputs[0].startswith("['")
    assert len(set(outputs)) == 1
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["convolutions.json", "convolutions.lock"]
