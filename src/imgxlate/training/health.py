"""Whether training is still sound, and what to say where it is not."""

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from imgxlate.errors import DivergedError

Files = tuple[Sequence[Path], Sequence[Path]]
"""The pictures of a batch: those of A and those of B."""

_GRADIENT = "grad_"
_SHOWN = 4  # files of each domain in a message


def is_finite(losses: Mapping[str, float]) -> bool:
    """Whether no loss, and no norm of a gradient, is NaN or infinite."""
    return all(map(math.isfinite, losses.values()))


def diverged(losses: Mapping[str, float], step: int, batches: Sequence[Files]) -> DivergedError:
    """The error that names what is not finite in step `step`, counted from 1, and the pictures that the step saw.

    `losses` includes the norms of gradients, `grad_*`; `batches` has the part of each process.
    """
    unsound = [(name, value) for name, value in losses.items() if not math.isfinite(value)]
    more = f" (and {len(unsound) - 1} more)" if len(unsound) > 1 else ""
    a, b = (list(itertools.chain.from_iterable(side)) for side in zip(*batches, strict=True))
    return DivergedError(
        f"step {step}: {_description(*unsound[0])}{more}; the batch was {_listing(a)} and {_listing(b)}",
        hint="`--resume --on-nan rollback` goes back to the last checkpoint and on; a lower learning rate, such as "
        "`--set lr=5e-5`, often helps. Look at the pictures of the batch, too.",
    )


def _description(name: str, value: float) -> str:
    kind = "NaN" if math.isnan(value) else "infinite"
    if name.startswith(_GRADIENT):
        return f"the gradient of {name.removeprefix(_GRADIENT)} is {kind}"
    return f"the loss {name} is {kind}"


def _listing(files: Sequence[Path]) -> str:
    more = f", ... ({len(files)} files)" if len(files) > _SHOWN else ""
    return ", ".join(map(str, files[:_SHOWN])) + more
