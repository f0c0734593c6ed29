"""Callbacks that report the progress of long work to its caller."""

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with the number of bytes done and the total number of bytes, or None if that is unknown."""

Notify = Callable[[str], None]
"""Called with one line of text for the user."""


def ignore(*_: object) -> None:
    """A callback that does nothing."""
