"""Callbacks by which long work reports to its caller."""

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with the number of bytes done and the number of bytes in all, or None where that is unknown."""

Notify = Callable[[str], None]
"""Called with one line of text for a person."""


def ignore(*_: object) -> None:
    """A callback that does nothing."""
