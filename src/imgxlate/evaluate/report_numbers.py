"""Columns of numbers as people read them: how many digits, and which is the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from imgxlate.evaluate.comparison import Measure

_DIGITS = 3  # of the smallest number of a column, where the largest bears it
_LEAST_DIGITS = 2  # of each
_MOST_DECIMALS = 9

_ABSENT = "–"  # noqa: RUF001  (an en dash, as tables have it)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a column."""

    text: str  # as it is shown
    key: str | None  # by which a script sorts it; None: there is no number
    best: bool = False


def numbers(values: Sequence[float | None]) -> list[Number]:
    """The values of a column with the same decimals, more for those that would vanish. None and NaN are absent."""
    decimals = _decimals([abs(value) for value in values if value is not None and math.isfinite(value)])
    return [_number(value, decimals) for value in values]


def ranked(measure: Measure, values: Sequence[float | None]) -> list[Number]:
    """`numbers` with the best marked: several where they are equal, none where all are, or no number is better."""
    column = numbers(values)
    present = {value for value in values if value is not None and not math.isnan(value)}
    if measure.better is None or len(present) < 2:
        return column
    best = max(present) if measure.better == "higher" else min(present)
    return [replace(number, best=value == best) for number, value in zip(column, values, strict=True)]


def _decimals(sizes: Sequence[float]) -> int:
    """So many that the smallest keeps its digits, but the largest has at most one digit more than those."""
    orders = [_order(size) for size in sizes if size]
    if not orders:
        return 0
    return max(0, min(_DIGITS - 1 - min(orders), _DIGITS - max(orders)))


def _order(size: float) -> int:
    """The power of ten of its first digit."""
    return math.floor(math.log10(size))


def _number(value: float | None, decimals: int) -> Number:
    if value is None or math.isnan(value):
        return Number(_ABSENT, None)
    if math.isinf(value):
        return Number("∞" if value > 0 else "−∞", "Infinity" if value > 0 else "-Infinity")  # noqa: RUF001
    if value:
        decimals = min(_MOST_DECIMALS, max(decimals, _LEAST_DIGITS - 1 - _order(abs(value))))
    return Number(f"{value:,.{decimals}f}".replace("-", "−"), repr(float(value)))  # noqa: RUF001
