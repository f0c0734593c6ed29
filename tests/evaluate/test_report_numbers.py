"""Columns of numbers as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.evaluate.comparison import Measure
from imgxlate.evaluate.report_numbers import numbers, ranked

HIGHER = Measure("a", "A", "how", "higher")
LOWER = Measure("a", "A", "how", "lower")
NEITHER = Measure("a", "A", "how", None)


def texts(values):
    return [number.text for number in numbers(values)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.7123, 0.65], ["0.712", "0.650"]),
        ([123.44, 56.71], ["123.4", "56.7"]),
        ([0.0012, 0.03], ["0.00120", "0.03000"]),
        ([1234.4, 800.0], ["1,234", "800"]),
        ([45.2, 3.456], ["45.20", "3.46"]),
        ([250.04, 0.0344, 0.0], ["250.0", "0.034", "0.0"]),
        ([1e-12], ["0.000000000"]),
        ([-0.25, 0.0], ["−0.250", "0.000"]),  # noqa: RUF001
        ([0.0, None], ["0", "–"]),  # noqa: RUF001
        ([math.nan, math.inf, -math.inf], ["–", "∞", "−∞"]),  # noqa: RUF001
        ([], []),
    ],
)
def test_a_column_has_the_decimals_that_its_smallest_needs_and_its_largest_bears(values, expected):
    assert texts(values) == expected


@given(st.lists(st.floats(-1e9, 1e9) | st.none()))
def test_the_key_is_the_number_itself(values):
    assert [None if each.key is None else float(each.key) for each in numbers(values)] == values


@given(st.lists(st.floats(1e-6, 1e9)))
def test_no_number_vanishes_beside_large_ones(values):
    shown = [float(text.replace(",", "")) for text in texts(values)]
    assert shown == pytest.approx(values, rel=0.051)


def best(measure, values):
    return [number.best for number in ranked(measure, values)]


@pytest.mark.parametrize(
    ("measure", "values", "expected"),
    [
        (HIGHER, [1.0, 3.0, None, 2.0], [False, True, False, False]),
        (LOWER, [1.0, 3.0, math.nan, 1.0], [True, False, False, True]),
        (LOWER, [math.inf, 2.0], [False, True]),
        (NEITHER, [1.0, 2.0], [False, False]),
        (HIGHER, [2.0, 2.0], [False, False]),
        (HIGHER, [2.0, None], [False, False]),
    ],
)
def test_the_best_is_marked_where_one_is_better_than_another(measure, values, expected):
    assert best(measure, values) == expected
