import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.images.sizes import Box, at_most, bands, centered_box, longer_side, padded_side, shorter_side

SIDES = st.integers(1, 20_000)


@given(SIDES, SIDES, SIDES)
def test_shorter_side_has_the_length_and_the_other_is_in_proportion_less_a_fraction(
    height: int, width: int, length: int
) -> None:
    scaled = shorter_side((height, width), length)
    assert min(scaled) == length
    exact = length * max(height, width) / min(height, width)
    assert exact - 1 < max(scaled) <= exact + 1e-9


def test_a_size_that_fits_already_stays() -> None:
    assert shorter_side((300, 512), 300) == (300, 512)


def test_longer_side_has_the_length_and_the_other_is_in_proportion_and_at_least_one_pixel() -> None:
    assert longer_side((300, 400), 200) == (150, 200)
    assert longer_side((400, 3), 64) == (64, 1)
    assert longer_side((10, 4), 25) == (25, 10)


def test_at_most_scales_down_only() -> None:
    assert at_most((300, 512), 150) == (150, 256)
    assert at_most((512, 300), 300) == at_most((512, 300), 301) == at_most((512, 300), None) == (512, 300)


@given(SIDES, st.integers(1, 64), st.integers(1, 600))
def test_padded_side_is_the_smallest_multiple_that_is_long_enough(side: int, stride: int, minimum: int) -> None:
    padded = padded_side(side, stride, minimum)
    assert padded % stride == 0
    assert padded >= max(side, minimum) > padded - stride


@pytest.mark.parametrize(
    ("inner", "outer", "box"), [((2, 2), (4, 5), Box(1, 1, 2, 2)), ((3, 4), (3, 4), Box(0, 0, 3, 4))]
)
def test_a_centered_box_leaves_an_odd_pixel_at_the_right_and_bottom(
    inner: tuple[int, int], outer: tuple[int, int], box: Box
) -> None:
    assert centered_box(inner, outer) == box


@given(st.integers(1, 3000), st.integers(1, 1_000_000))
def test_bands_cover_each_row_once_and_stay_small(height: int, width: int) -> None:
    slices = list(bands((height, width), 2**18))
    assert [row for rows in slices for row in range(rows.start, rows.stop)] == list(range(height))
    assert all(rows.stop - rows.start == 1 or (rows.stop - rows.start) * width <= 2**18 for rows in slices)
    assert len(slices) <= math.ceil(2 * height * width / 2**18) + height * (width > 2**17)
