"""The error for losses that are not finite."""

import math
from pathlib import Path

import pytest

from imgxlate.training.divergence import divergence, is_finite

FILES = ([Path("a/1.jpg")], [Path("b/2.jpg")])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_is_found(value):
    assert is_finite({"gen_total": 1.0, "grad_gen": 1e300})
    assert not is_finite({"gen_total": 1.0, "grad_gen": value})


def test_the_error_names_the_loss_the_step_and_the_files():
    error = divergence({"dis_total": 1.0, "gen_total": math.nan}, 12, [FILES])
    assert str(error) == "step 12: the loss gen_total is NaN; the batch was a/1.jpg and b/2.jpg"
    assert "--on-nan rollback" in error.hint
    assert error.exit_code == 8


def test_the_error_names_a_gradient_and_counts_further_values():
    error = divergence({"grad_gen": math.inf, "gen_total": math.nan, "dis_total": 0.0}, 3, [FILES])
    assert "step 3: the gradient of gen is infinite (and 1 more)" in str(error)


def test_the_error_lists_the_files_of_all_processes_and_cuts_long_lists():
    batches = [([Path(f"a/{rank}-{n}.jpg") for n in range(3)], [Path(f"b/{rank}.jpg")]) for rank in range(2)]
    text = str(divergence({"gen_total": math.nan}, 1, batches))
    assert "a/0-0.jpg, a/0-1.jpg, a/0-2.jpg, a/1-0.jpg, ... (6 files) and b/0.jpg, b/1.jpg" in text
    assert "a/1-1.jpg" not in text
