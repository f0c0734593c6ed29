import threading
import warnings

import pytest

from imgxlate.images.silence import Silence


def test_warnings_are_ignored_inside_and_raised_again_outside() -> None:
    with Silence():
        warnings.warn("unheard", stacklevel=1)
    with pytest.raises(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_filters_are_restored_when_the_body_fails() -> None:
    before = list(warnings.filters)
    with pytest.raises(KeyError), Silence():
        raise KeyError
    assert list(warnings.filters) == before


def test_overlapping_threads_keep_each_other_silent_and_leave_the_filters_as_they_were() -> None:
    before = list(warnings.filters)
    silence, entered, left = Silence(), threading.Event(), threading.Event()
    raised = []

    def second() -> None:
        with silence:
            entered.set()
            left.wait()
            try:
                warnings.warn("unheard", stacklevel=1)
            except UserWarning as warning:
                raised.append(warning)

    thread = threading.Thread(target=second)
    with silence:
        thread.start()
        entered.wait()
    left.set()
    thread.join()
    assert raised == []
    assert list(warnings.filters) == before
