"""The memory of the process."""

import subprocess
import sys

import psutil
import pytest
import torch

from imgxlate import memory
from imgxlate.errors import UsageError

CPU = torch.device("cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux does")
def test_freed_memory_is_used_again_without_new_pages():
    code = """
import resource, torch
from imgxlate.memory import keep_freed_memory
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def touch():
    for _ in range(5):
        torch.ones(1 << 24)
def touched():
    before = faults()
    touch()
    return faults() - before
touch(); fresh = touched()
keep_freed_memory()
touch()
again = min(touched() for _ in range(3))  # The system may take memory back now and then.
print(fresh > 10000, again < fresh / 2)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "True True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the resident memory is read as Linux shows it")
def test_freed_memory_that_was_kept_can_be_returned():
    code = """
import psutil, torch
from imgxlate.memory import keep_freed_memory, release_freed_memory
resident = lambda: psutil.Process().memory_info().rss
keep_freed_memory()
before = resident()
torch.ones(1 << 26)
kept = resident() - before
release_freed_memory()
print(kept > 200e6, resident() - before < 50e6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "True True\n"


@pytest.mark.parametrize(
    ("amount", "size"),
    [
        (None, None),
        (5_000_000, 5_000_000),
        ("4GB", 4 * 10**9),
        ("1.5 gb", 1_500_000_000),
        ("512MiB", 2**29),
        ("800MB", 8 * 10**8),
    ],
)
def test_amounts_are_numbers_with_units(amount, size):
    assert memory.parse(amount) == size


@pytest.mark.parametrize("amount", ["4XB", "much", "", "0", 0, -1, "-1GB", "nan"])
def test_other_amounts_are_usage_errors(amount):
    with pytest.raises(UsageError, match="is not an amount of memory") as caught:
        memory.parse(amount)
    assert "--memory 4GB" in caught.value.hint


def test_a_number_without_its_unit_is_refused():
    with pytest.raises(UsageError, match="'4' is only 4 bytes of memory"):
        memory.parse("4")


def test_the_budget_is_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: 1000)
    assert memory.budget(CPU, None, 0) == 500


def test_the_budget_of_a_limit_is_what_the_process_does_not_have_yet():
    resident = psutil.Process().memory_info().rss
    assert memory.budget(CPU, resident + 10**9, 0) == pytest.approx(10**9, abs=2e8)
    assert memory.budget(CPU, 1000, 0) == 0


@pytest.mark.parametrize(("needed", "returns"), [(500, 0), (501, 1)])
def test_freed_memory_is_returned_if_the_budget_is_less_than_needed(monkeypatch, needed, returns):
    returned = []
    monkeypatch.setattr(memory, "available", lambda device: 1000 + 100 * len(returned))
    monkeypatch.setattr(memory, "release_freed_memory", lambda: returned.append(1))
    assert memory.budget(CPU, None, needed) == 500 + 50 * returns
    assert len(returned) == returns


def test_no_more_than_the_machine_has_is_available():
    assert 0 < memory.available(CPU) <= psutil.virtual_memory().total


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_the_limits_of_the_process_bound_what_is_available(limit):
    code = f"""
import psutil, resource, torch
from imgxlate import memory
cpu = torch.device("cpu")
free = 300_000_000
taken = psutil.Process().memory_info()
taken = taken.vms if "{limit}" == "RLIMIT_AS" else taken.data
resource.setrlimit(resource.{limit}, (taken + free, taken + free))
print(memory.available(cpu))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) == pytest.approx(300_000_000, rel=0.2)


class Groups:
    """Control groups in a folder, as Linux shows them."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, path, limit, usage, cache, *, version=2):
        """A group with a limit, its usage and the part of it that is a cache of files; in bytes."""
        names = ("memory.max", "memory.current", "inactive_file")
        if version == 1:
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        group = self.folder / path
        group.mkdir(parents=True, exist_ok=True)
        (group / names[0]).write_text(f"{limit}\n")
        (group / names[1]).write_text(f"{usage}\n")
        (group / "memory.stat").write_text(f"anon 5\n{names[2]} {cache}\n" if cache is not None else "anon 5\n")


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Control groups of the test, and a function that puts this process into some of them."""

    def enter(*lines):
        (tmp_path / "cgroup").write_text("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr(memory, "_OWN_CGROUPS", tmp_path / "cgroup")
        monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "groups")
        monkeypatch.setattr(memory, "_left_of_limits", lambda: iter(()))
        return memory.available(CPU)

    return Groups(tmp_path / "groups"), enter


def test_a_control_group_of_version_2_and_those_above_it_limit_memory(groups):
    tree, enter = groups
    tree.add("", "max", 900, 0)
    tree.add("user", 10_000, 4000, 1000)
    tree.add("user/job", 9000, 3000, 500)
    assert enter("0::/user/job") == 6500
    tree.add("user", 7000, 4000, 1000)
    assert enter("0::/user/job") == 4000


def test_the_memory_controller_of_version_1_limits_memory(groups):
    tree, enter = groups
    tree.add("memory/docker/7", 8000, 5000, 100, version=1)
    assert enter("9:name=systemd:/", "4:cpu,memory:/docker/7", "3:cpuset:/docker/7", "0::/") == 3100


def test_a_container_sees_its_group_as_the_root(groups):
    tree, enter = groups
    tree.add("memory", 8000, 5000, 100, version=1)
    assert enter("4:memory:/docker/of/the/host") == 3100
    tree.add("", 6000, 5000, 100)
    assert enter("0::/") == 1100


def test_a_group_without_a_count_of_its_cache_counts_none(groups):
    tree, enter = groups
    tree.add("", 6000, 5000, None)
    assert enter("0::/") == 1000


def test_a_group_above_its_limit_leaves_nothing(groups):
    tree, enter = groups
    tree.add("", 6000, 7000, 0)
    assert enter("0::/") == 0


def test_a_machine_without_control_groups_has_no_limit_of_them(groups):
    _, enter = groups
    assert enter("0::/nowhere") > 10**6
    assert enter() > 10**6
