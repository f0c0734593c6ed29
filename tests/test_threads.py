"""The number of torch's threads, and how they wait."""

import os

import pytest
import torch

from imgxlate import threads
from imgxlate.errors import UsageError
from imgxlate.threads import AdaptiveThreads, average_products, limit_waiting, parse
from imgxlate.torchrun import Rank

CPU = torch.device("cpu")


class Machine:
    """A machine of four threads, whose clock and load the test sets."""

    def __init__(self):
        self.number = 4
        self.busy = False
        self.wall = self.processor = 0.0
        self.numbers = []  # of threads that each step was computed in
        self.alone = 2.0  # seconds of a step in one thread

    def compute(self, adaptive, steps=1, **options):
        for _ in range(steps):
            with adaptive.step(**options):
                self.numbers.append(self.number)
                seconds = self.alone if self.number == 1 else 10.0 if self.busy else 1.0
                self.wall += seconds
                self.processor += seconds * (self.number * (0.4 if self.busy else 0.95))


@pytest.fixture
def machine(monkeypatch):
    found = Machine()
    monkeypatch.setattr(torch, "get_num_threads", lambda: found.number)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: setattr(found, "number", number))
    monkeypatch.setattr(threads.time, "perf_counter", lambda: found.wall)
    monkeypatch.setattr(threads.time, "process_time", lambda: found.processor)
    return found


def test_on_a_quiet_machine_all_threads_compute(machine):
    machine.compute(AdaptiveThreads(None, CPU), 50)
    assert machine.numbers == [4] * 50


def test_on_a_busy_machine_one_thread_computes_after_a_few_steps(machine):
    machine.busy = True
    machine.compute(AdaptiveThreads(None, CPU), 100)
    assert machine.numbers[:5] == [4, 4, 4, 4, 1]
    assert machine.numbers.count(4) < 10


def test_all_threads_compute_again_once_the_machine_is_quiet(machine):
    adaptive = AdaptiveThreads(None, CPU)
    machine.busy = True
    machine.compute(adaptive, 10)
    assert machine.numbers[-1] == 1
    assert machine.number == 4  # between the steps
    machine.busy = False
    machine.compute(adaptive, 100)
    assert machine.numbers[-70:] == [4] * 70


def test_one_thread_is_not_kept_if_it_is_slower(machine):
    machine.busy, machine.alone = True, 12.0
    machine.compute(AdaptiveThreads(None, CPU), 200)
    assert 1 <= machine.numbers.count(1) < 8


def test_a_step_of_more_work_is_not_taken_for_a_slow_one(machine):
    adaptive = AdaptiveThreads(None, CPU)
    machine.busy = True
    machine.compute(adaptive, 4)
    machine.alone = 20.0
    machine.compute(adaptive, 1, units=10)  # the trial, 2 seconds a unit
    machine.compute(adaptive, 5)
    assert machine.numbers[4:] == [1] * 6


def test_small_steps_take_one_thread_even_on_a_quiet_machine(machine):
    adaptive = AdaptiveThreads(None, CPU)
    machine.compute(adaptive, 3, products=1e5)
    machine.compute(adaptive, 3, products=1e9)
    assert machine.numbers == [1, 1, 1, 4, 4, 4]


def test_a_fixed_number_stays(machine):
    adaptive = AdaptiveThreads(2, CPU)
    machine.busy = True
    machine.compute(adaptive, 30, products=1.0)
    assert machine.numbers == [2] * 30
    assert adaptive.fixed == 2


def test_a_number_that_is_fixed_later_stays_from_then_on(machine):
    adaptive = AdaptiveThreads(None, CPU)
    adaptive.fix(3)
    machine.busy = True
    machine.compute(adaptive, 30)
    assert machine.numbers == [3] * 30


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_on_a_gpu_nothing_adapts(machine, device):
    machine.busy = True
    machine.compute(AdaptiveThreads(None, torch.device(device)), 30)
    assert machine.numbers == [4] * 30


def test_processes_that_train_together_do_not_adapt(machine, monkeypatch):
    monkeypatch.setattr(threads, "find_rank", lambda: Rank(rank=0, local_rank=0, size=2))
    machine.busy = True
    machine.compute(AdaptiveThreads(None, CPU), 30)
    assert machine.numbers == [4] * 30


def test_an_error_in_a_step_leaves_torch_all_threads(machine):
    adaptive = AdaptiveThreads(None, CPU)
    with pytest.raises(RuntimeError, match=r"^1 thread$"), adaptive.step(products=1.0):
        raise RuntimeError(f"{machine.number} thread")
    assert machine.number == 4


def test_steps_that_end_in_a_callback_are_the_same(machine):
    adaptive = AdaptiveThreads(None, CPU)
    for _ in range(4):
        machine.wall += 10
        machine.processor += 10
        adaptive.end()
        adaptive.begin()
    assert machine.number == 1


def test_the_products_of_a_convolution_on_average():
    weights = [torch.empty(8, 4, 3, 3), torch.empty(4, 4, 1, 1), torch.empty(1000)]
    assert average_products(weights, 160) == (288 + 16) / 2 * 10
    assert average_products([torch.empty(3, 3)], 160) is None


@pytest.mark.parametrize(("text", "number"), [("auto", None), ("1", 1), ("16", 16)])
def test_a_number_of_threads_is_parsed(text, number):
    assert parse(text) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "1.5", "99999", "\N{SUPERSCRIPT TWO}"])
def test_an_invalid_number_of_threads_is_refused(text):
    with pytest.raises(UsageError, match="number of threads must be auto or a number from 1 on"):
        parse(text)


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"])
def test_a_waiting_policy_of_the_user_stays(monkeypatch, name):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    for each in names:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "1")
    limit_waiting()
    assert {each: os.environ.get(each) for each in names} == {each: "1" if each == name else None for each in names}


def test_threads_wait_a_limited_time_unless_the_user_says_otherwise(monkeypatch):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    limit_waiting()
    assert {"GOMP_SPINCOUNT", "KMP_BLOCKTIME"} <= os.environ.keys()
