"""Schedules of the learning rate."""

import numpy as np
import pytest

from imgxlate.errors import UsageError
from imgxlate.methods.shared.config import linear_decay


def test_the_rate_is_constant_and_then_falls_linearly():
    rates = [linear_decay(100, 0.5)(step) for step in range(100)]
    assert rates[:50] == [1] * 50
    assert np.allclose(np.diff([*rates[49:], 0]), -1 / 51)
    assert rates[-1] > 0
    assert {linear_decay(100, 0.0)(step) for step in range(100)} == {1}


def test_more_than_all_steps_cannot_have_a_falling_rate():
    with pytest.raises(UsageError, match=r"lr_decay_share is 1\.5"):
        linear_decay(100, 1.5)
