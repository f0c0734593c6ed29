"""How long downloads wait."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of waiting. Times are in seconds."""

    connect: float = 10.0  # until a server takes the call
    stall: float = 30.0  # between two bytes
    tries: int = 4  # at a connection that fails or breaks off, before the next mirror
    backoff: float = 0.5  # the unit of the pauses between tries, which double
    turn: float = 1800.0  # for another process that fetches the same file; then it is fetched twice
