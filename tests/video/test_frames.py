"""Selecting frames, and reading times and rates."""

from fractions import Fraction

import pytest

from imgxlate.errors import UsageError
from imgxlate.video.frames import FilmInfo, Frame, Selection, parse_rate, parse_time


def frames(times):
    return iter([Frame(index, Fraction(time), Fraction(1), lambda: None) for index, time in enumerate(times)])


def selected(times, **selection):
    selection = {key: value if key == "every" else Fraction(value) for key, value in selection.items()}
    return [(int(frame.time), int(frame.duration)) for frame in Selection(**selection).of(frames(times))]


def test_all_frames_are_selected_by_default():
    assert selected(range(3)) == [(0, 1), (1, 1), (2, 1)]


def test_a_part_begins_at_the_start_and_ends_before_the_end():
    assert [time for time, _ in selected(range(10), start=2, end=5)] == [2, 3, 4]


@pytest.mark.parametrize(
    "selection", [{}, {"start": 2, "end": 7}, {"every": 3}, {"start": 1, "every": 4}, {"start": 20}]
)
def test_the_last_selected_frame_is_known_from_the_times(selection):
    chosen = Selection(**{key: value if key == "every" else Fraction(value) for key, value in selection.items()})
    indices = [frame.index for frame in chosen.of(frames(range(10)))]
    assert chosen.last_index(range(10)) == max(indices, default=-1)


def test_of_every_three_frames_the_first_is_shown_as_long_as_all():
    assert selected(range(7), every=3) == [(0, 3), (3, 3), (6, 1)]


def test_the_frames_of_a_part_are_counted_before_they_are_read():
    info = FilmInfo((1, 1), Fraction(10), Fraction(1, 10), 100, Fraction(10))
    assert Selection(every=3).count(info) == 34
    assert Selection(start=Fraction(2), end=Fraction(4)).count(info) == 20
    assert Selection(start=Fraction(9)).count(info) == 10
    assert Selection().count(FilmInfo((1, 1), Fraction(10), Fraction(1, 10), None, None)) is None


@pytest.mark.parametrize(("text", "seconds"), [("90.5", 90.5), (90.5, 90.5), ("1:30", 90), ("1:00:01.25", 3601.25)])
def test_a_time_is_in_seconds_or_in_minutes_and_hours(text, seconds):
    assert parse_time(text) == Fraction(seconds)


@pytest.mark.parametrize(("seconds", "time"), [(7 / 30, Fraction(7, 30)), (0.1 + 0.2, Fraction(3, 10)), (2, 2)])
def test_a_time_may_be_the_result_of_a_computation(seconds, time):
    assert parse_time(seconds) == time


@pytest.mark.parametrize(
    "text", [-0.5, float("nan"), float("inf"), "", "soon", "-1", "1:2:3:4", "1e3", "nan", "1.", "\u0661"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="a time must be like"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [(24, 24), ("30000/1001", Fraction(30000, 1001)), (12.5, Fraction(25, 2)), ("1e-5", Fraction(1, 10**5))],
)
def test_a_rate_is_a_number_or_a_fraction(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("rate", [30000 / 1001, "29.97002997"])
def test_a_rounded_rate_is_the_fraction_that_it_stands_for(rate):
    assert parse_rate(rate) == Fraction(30000, 1001)


@pytest.mark.parametrize("text", ["fast", 0, "1e-9", "-1", "1/0", "1e9"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(UsageError, match="a frame rate must be"):
        parse_rate(text)


def test_an_end_that_is_not_after_the_start_is_refused():
    with pytest.raises(UsageError, match="--end is not after --start"):
        Selection(start=Fraction(2), end=Fraction(2))
