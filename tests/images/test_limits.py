import pytest

from imgxlate.errors import UsageError
from imgxlate.images.limits import DEFAULT, Limits, find_white, parse_pixels, parse_white


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("1", 1),
        ("178956970", 178_956_970),
        ("500M", 500_000_000),
        ("500MP", 500_000_000),
        ("2gp", 2 * 10**9),
        ("3k", 3000),
    ],
)
def test_a_number_of_pixels_may_have_a_unit(text: str, pixels: int) -> None:
    assert parse_pixels(text) == pixels


@pytest.mark.parametrize("text", ["", "0", "0M", "-1", "1.5M", "M", "500MB", "5e8", "\u0665", "1" * 16])
def test_what_is_no_number_of_pixels_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="number of pixels") as refusal:
        parse_pixels(text)
    assert "--max-pixels 500M" in str(refusal.value.hint)


def test_more_pixels_allow_larger_files() -> None:
    assert Limits.of(DEFAULT.pixels) == DEFAULT
    assert Limits.of(500_000_000) == Limits(500_000_000, 4_000_000_000)
    assert Limits.of(1000).file_bytes == DEFAULT.file_bytes


def test_a_limit_below_one_pixel_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        Limits.of(0)


def test_white_is_that_of_twelve_bits_if_no_value_is_above_it() -> None:
    assert [find_white(brightest, None) for brightest in (0, 1, 4095, 4096, 65535)] == [65535, 4095, 4095, 65535, 65535]
    assert find_white(4000, 65535) == 65535
    assert find_white(60000, 16383) == 16383


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "12bit", "\u0665"])
def test_what_is_no_value_of_white_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="white must be") as refusal:
        parse_white(text)
    assert "--white 4095" in str(refusal.value.hint)


def test_a_value_of_white_is_a_number_or_auto() -> None:
    assert (parse_white("auto"), parse_white("4095")) == (None, 4095)


def test_limits_have_a_possible_value_of_white() -> None:
    assert Limits.of(100, 4095).white == 4095
    for white in (0, 65536):
        with pytest.raises(UsageError, match="white must be"):
            Limits.of(100, white)
