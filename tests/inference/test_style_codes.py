"""Style codes and their files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.errors import UsageError
from imgxlate.inference import style_codes


def test_the_first_codes_do_not_depend_on_the_number_of_codes():
    assert style_codes.sample(5, 8, seed=3).codes[:2] == style_codes.sample(2, 8, seed=3).codes


def test_seeds_and_indices_give_different_codes():
    codes = [*style_codes.sample(50, 8, seed=0).codes, *style_codes.sample(50, 8, seed=1).codes]
    assert len(set(codes)) == 100


def test_codes_are_standard_normal():
    codes = np.array(style_codes.sample(2000, 8, seed=0).codes)
    assert abs(codes.mean()) < 0.03
    assert abs(codes.std() - 1) < 0.03


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1)
)
def test_a_styles_file_gives_the_same_codes_to_the_bit(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("styles") / "styles.json"
    written = style_codes.StyleCodes(tuple(map(tuple, rows)), seed=5)
    style_codes.write(path, written, "munit")
    assert style_codes.read(path, "munit") == written


def test_method_length_and_seed_may_be_absent_or_null(tmp_path):
    path = tmp_path / "styles.json"
    path.write_text(json.dumps({"seed": None, "style_dim": None, "styles": [[1, 2.5]]}))
    assert style_codes.read(path, "munit") == style_codes.StyleCodes(((1.0, 2.5),), None)


@pytest.mark.parametrize("seed", ["true", "1.5", '"5"', "[]"])
def test_a_seed_that_is_not_an_integer_is_unknown(tmp_path, seed):
    path = tmp_path / "styles.json"
    path.write_text(f'{{"seed": {seed}, "styles": [[1]]}}')
    assert style_codes.read(path, "munit").seed is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a styles file"),
        ("{}", "'styles' must be"),
        ('{"styles": []}', "'styles' must be"),
        ('{"styles": [[]]}', "'styles' must be"),
        ('{"styles": [["a"]]}', "'styles' must be"),
        ('{"styles": [[true]]}', "'styles' must be"),
        ('{"styles": [[NaN]]}', "'styles' must be"),
        ('{"styles": [[1e39]]}', "'styles' must be"),
        ('{"styles": [[' + "9" * 401 + "]]}", "'styles' must be"),
        ('{"styles": [[' + "9" * 5001 + "]]}", "is not JSON"),
        ('{"styles": ' + "[" * 100_000, "nested too deeply"),
        ('{"styles": [[1]], "method": "other"}', "are for 'other', not for munit"),
        ('{"styles": [[1]], "method": ["munit"]}', "are for .'munit'., not for munit"),
        ('{"styles": [[1], [1, 2]]}', "different lengths: 1 and 2"),
        ('{"styles": [[1]], "style_dim": 8}', "different lengths: 1 and 8"),
        ('{"styles": [[1]], "style_dim": "1"}', "'style_dim' must be the length of a code, not '1'"),
        ('{"styles": [[1]], "style_dim": true}', "'style_dim' must be .*, not True"),
        ('{"styles": [[1]], "style_dim": 0}', "'style_dim' must be .*, not 0"),
        (b"\xff\xfe", "is not JSON"),
    ],
)
def test_a_bad_styles_file_is_named_with_the_reason(tmp_path, content, message):
    path = tmp_path / "styles.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=message) as caught:
        style_codes.read(path, "munit")
    assert str(path) in str(caught.value)


def test_a_missing_styles_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        style_codes.read(tmp_path / "styles.json", "munit")
