"""The differences between the configuration of a run and the one to resume it with. Imports no torch."""

from dataclasses import dataclass
from typing import Any

from imgxlate import config
from imgxlate.errors import UsageError
from imgxlate.methods.spec import TrainingConfig


@dataclass(frozen=True, slots=True)
class Change:
    """A value that has changed since the run began."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {config.shown(self.old)} -> {config.shown(self.new)}"


def changes(old: TrainingConfig, new: TrainingConfig) -> tuple[Change, ...]:
    """The differences between `old`, the configuration of a run, and `new`, the one to resume it with.

    Raises:
        UsageError: a value changed that the checkpoint depends on; names each key with both values.
    """
    before, after = config.flattened(old), config.flattened(new)
    found = tuple(Change(key, before[key], value) for key, value in after.items() if value != before[key])
    known = config.keys(type(new))
    refused = [
        change
        for change in found
        if known[change.key].fixed or (known[change.key].switch and not (change.old and change.new))
    ]
    if refused:
        raise UsageError(
            f"a resumed run cannot change {'; '.join(map(str, refused))}",
            hint="Keep the old value, or start another run with another --out.",
        )
    return found
