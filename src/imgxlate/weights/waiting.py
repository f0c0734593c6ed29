"""Waiting for a network, a server and other processes: for how long, and who is told meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, and how many there will be, where that is known."""

Notify = Callable[[str], None]
"""Told, in a line for people, what happens."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of waiting. Times are in seconds."""

    connect: float = 10.0  # until a server takes the call
    stall: float = 30.0  # between two bytes
    tries: int = 4  # at a connection that fails or breaks off, before the next mirror
    backoff: float = 0.5  # the unit of the pauses between tries, which double
    turn: float = 1800.0  # for another process that fetches the same file; then it is fetched twice


def be_silent(*_: object) -> None:
    """A progress or notify that tells nobody."""
