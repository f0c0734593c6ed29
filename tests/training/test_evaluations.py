"""When a model is evaluated, which evaluation is the best, and the file that keeps them."""

from dataclasses import replace

import pytest

from imgxlate.errors import CheckpointError
from imgxlate.methods import registry
from imgxlate.training import evaluations
from imgxlate.training.evaluations import add, best, is_due, since_best


@pytest.fixture
def config():
    tiny = registry.find("cyclegan").training.presets["tiny"]
    return lambda iterations, every: replace(tiny, iterations=iterations, evaluate_every=every)


def scored(*scores, name="kd-vgg19"):
    """Evaluations after steps 10, 20 and so on, with these numbers in both directions."""
    found = []
    for index, score in enumerate(scores, start=1):
        quality = {f"{name}_b": score - 1, f"fd-{name}_b": 100.0, f"{name}_a": score + 1}
        found = add(found, 10 * index, quality, name, seconds=1.5)
    return found


@pytest.mark.parametrize(
    ("iterations", "every", "steps"),
    [(10, 4, [4, 8, 10]), (8, 4, [4, 8]), (4, 4, [4]), (3, 4, []), (10, 0, [])],
)
def test_each_multiple_and_the_last_step_are_due_unless_the_run_is_shorter(config, iterations, every, steps):
    assert [step for step in range(iterations + 1) if is_due(step, config(iterations, every))] == steps


def test_the_score_is_the_mean_of_both_directions_and_the_lowest_is_the_best():
    found = scored(5.0, 3.0, 4.0, 3.0, -1.0, 2.0)
    assert [one.score for one in found] == [5.0, 3.0, 4.0, 3.0, -1.0, 2.0]
    assert [one.is_best for one in found] == [True, True, False, False, True, False]
    assert best(found).step == 50
    assert [since_best(found[:count]) for count in range(7)] == [0, 0, 0, 1, 2, 0, 1]


def test_without_evaluations_none_is_the_best():
    assert best([]) is None


def test_scores_of_another_network_do_not_compare():
    found = add(scored(3.0), 20, {"kid_b": 0.5, "kid_a": 0.7}, "kid", seconds=1.0)
    found = add(found, 30, {"kd-vgg19_b": 2.0, "kd-vgg19_a": 5.0}, "kd-vgg19", seconds=1.0)
    assert [one.is_best for one in found] == [True, True, False]


def test_a_file_gives_back_what_was_written(tmp_path):
    found = scored(5.0, 3.0)
    evaluations.write(tmp_path / "quality.jsonl", found)
    again = evaluations.read(tmp_path / "quality.jsonl")
    assert [replace(one, time=other.time) for one, other in zip(found, again, strict=True)] == again
    assert abs((again[0].time - found[0].time).total_seconds()) < 0.001


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        evaluations.read(tmp_path)


def test_damaged_lines_are_skipped_and_a_missing_file_holds_none(tmp_path):
    path = tmp_path / "quality.jsonl"
    assert evaluations.read(path) == []
    evaluations.write(path, scored(5.0, 3.0))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b'{"step": 15}\n' + second[:40])
    assert [one.step for one in evaluations.read(path)] == [10]
