"""Grids of styles by contents, and codes between two styles."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.images.decode import decode
from imgxlate.images.grids import thumbnail
from imgxlate.inference import style_codes
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.style_grids import Style, StyleGrid, interpolate, interpolated_rows
from imgxlate.training import run_model

NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
CODES = st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[NUMBERS] * n), min_size=2, max_size=4))


@pytest.fixture
def model(generators):
    return run_model.build_model(*generators("munit"), torch.device("cpu"), Arithmetic())


@pytest.fixture
def codes_of(model):
    def sample(count):
        return style_codes.sample(count, model.style_dim, 0)

    return sample


def test_only_thumbnails_are_kept(model, codes_of, photo):
    grid = StyleGrid(model, "B", codes_of(2), [Style("one"), Style("two")], 16)
    grid.add("a", decode(photo(size=(60, 80))))
    (column,) = grid.columns
    assert column.content.size == (12, 16)
    assert [output.size for output in column.outputs] == [(12, 16)] * 2


def test_a_column_holds_the_content_with_each_style(model, codes_of, photo):
    content = decode(photo(size=(32, 32)))
    grid = StyleGrid(model, "B", codes_of(3), [Style(name) for name in "abc"], 32)
    grid.add("a", content)
    expected = [
        thumbnail(output, 32).rgb for output in model.translate_array(content, "B", torch.tensor(codes_of(3).codes))
    ]
    assert all(np.array_equal(a.rgb, b) for a, b in zip(grid.columns[0].outputs, expected, strict=True))


def test_the_content_is_encoded_once_for_all_styles(model, codes_of, photo, monkeypatch):
    seen = []
    original = type(model.translator).translate

    def count(self, images, to, codes):
        seen.append(len(codes))
        return original(self, images, to, codes)

    monkeypatch.setattr(type(model.translator), "translate", count)
    StyleGrid(model, "B", codes_of(3), [Style(name) for name in "abc"], 16).add("a", decode(photo()))
    assert seen == [3]


def test_a_content_image_that_fails_halfway_leaves_no_column(model, codes_of, photo, monkeypatch):
    def fail(self, images, to, codes):
        yield images
        raise ValueError

    monkeypatch.setattr(type(model.translator), "translate", fail)
    grid = StyleGrid(model, "B", codes_of(2), [Style("one"), Style("two")], 16)
    with pytest.raises(ValueError):  # noqa: PT011 - it is the one above
        grid.add("a", decode(photo()))
    assert grid.columns == []


def test_style_images_widen_the_sheet_but_do_not_change_the_results(model, codes_of, photo):
    content, image = decode(photo(size=(32, 32))), decode(photo("style.png", size=(32, 32), seed=3))
    sheets = []
    for guide in (None, image):
        grid = StyleGrid(model, "B", codes_of(1), [Style("one", guide)], 32)
        grid.add("a", content)
        sheets.append(grid.draw().rgb)
    bare, guided = sheets
    assert guided.shape[0] == bare.shape[0]
    assert guided.shape[1] > bare.shape[1] + 32
    assert np.array_equal(guided[:, -40:], bare[:, -40:])


@given(CODES, st.integers(2, 7))
def test_interpolation_keeps_both_ends_to_the_bit_and_stays_between_them(codes, count):
    line = interpolate(style_codes.StyleCodes(tuple(codes), seed=3), count)
    assert line.seed is None
    assert len(line.codes) == count
    assert (line.codes[0], line.codes[-1]) == (codes[0], codes[1])
    lower, upper = np.min(codes[:2], axis=0), np.max(codes[:2], axis=0)
    slack = 1e-6 * np.maximum(abs(lower), abs(upper)) + 1e-40
    assert ((lower - slack <= line.codes) & (line.codes <= upper + slack)).all()


def test_interpolated_codes_are_exact_in_float32():
    line = interpolate(style_codes.sample(2, 8, seed=0), 7)
    exact = torch.tensor(line.codes, dtype=torch.float64)
    assert torch.equal(exact, torch.tensor(line.codes, dtype=torch.float32).double())


def test_interpolated_rows_are_labeled_by_weight_with_the_style_images_at_the_ends(photo):
    images = [decode(photo(f"{seed}.png", seed=seed)) for seed in range(2)]
    rows = interpolated_rows(images, 5)
    assert [row.label for row in rows] == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    assert [row.image for row in rows] == [images[0], None, None, None, images[1]]
    assert all(row.image is None for row in interpolated_rows([], 5))
