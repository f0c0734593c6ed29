"""The place among processes that torchrun's variables say."""

import pytest

from imgxlate.errors import UsageError
from imgxlate.torchrun import Rank, find_rank


@pytest.fixture
def started(monkeypatch):
    """Set the variables as torchrun does."""

    def start(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return start


def test_without_torchrun_there_is_one_process(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert find_rank() == Rank(0, 1, 0)


def test_torchruns_variables_are_read(started):
    started(RANK=5, WORLD_SIZE=8, LOCAL_RANK=1)
    assert find_rank() == Rank(5, 8, 1)


@pytest.mark.parametrize(
    "variables", [{"RANK": "x"}, {"RANK": 2, "WORLD_SIZE": 2}, {"WORLD_SIZE": 0}, {"LOCAL_RANK": -1}]
)
def test_variables_that_contradict_each_other_are_named(started, variables):
    started(**variables)
    with pytest.raises(UsageError, match=next(iter(variables))):
        find_rank()


def test_the_shares_of_all_processes_are_the_whole():
    items = list(range(10))
    shares = [items[Rank(rank, 3).share] for rank in range(3)]
    assert sorted(item for share in shares for item in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_processes_have_equal_parts_of_a_batch(size):
    parts = [list(Rank(rank, size).positions(6)) for rank in range(size)]
    assert [position for part in parts for position in part] == list(range(6))
    assert len({len(part) for part in parts}) == 1


@pytest.mark.parametrize(("batch_size", "proposed"), [(1, 4), (6, 8), (9, 12)])
def test_a_batch_that_cannot_be_split_evenly_is_refused_with_one_that_can(batch_size, proposed):
    with pytest.raises(UsageError, match=f"{batch_size} cannot be split evenly over 4") as caught:
        Rank(1, 4).positions(batch_size)
    assert f"--batch-size {proposed}`" in caught.value.hint


def test_a_world_size_without_a_rank_is_refused_instead_of_doing_part_of_the_work(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UsageError, match="WORLD_SIZE=4") as caught:
        find_rank()
    assert "unset WORLD_SIZE" in caught.value.hint


def test_a_world_of_one_process_needs_no_rank(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert find_rank() == Rank()
