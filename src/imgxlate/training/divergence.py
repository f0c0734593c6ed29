"""The error that ends a run whose losses are NaN or infinite."""

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from imgxlate.errors import DivergedError

BatchFiles = tuple[Sequence[Path], Sequence[Path]]
"""The image files of a batch: those of domain A and those of domain B."""

_GRADIENT = "grad_"
_MAX_LISTED = 4  # files of each domain in a message


def is_finite(losses: Mapping[str, float]) -> bool:
    """Whether all losses and all norms of gradients are finite."""
    return all(map(math.isfinite, losses.values()))


def divergence(losses: Mapping[str, float], step: int, batches: Sequence[BatchFiles]) -> DivergedError:
    """The error for losses that are not finite. It names the first such loss, the step and the images of the batch.

    Args:
        losses: The losses and, as `grad_*`, the norms of the gradients.
        step: The number of the step, from 1.
        batches: The part of the batch that each process computed.
    """
    wrong = [(name, value) for name, value in losses.items() if not math.isfinite(value)]
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    a, b = (list(itertools.chain.from_iterable(side)) for side in zip(*batches, strict=True))
    return DivergedError(
        f"step {step}: {_description(*wrong[0])}{more}; the batch was {_listing(a)} and {_listing(b)}",
        hint="`--resume --on-nan rollback` continues from the last checkpoint with other images. A lower learning rate "
        "often helps, such as `--set lr=5e-5`. Check the images of the batch, too.",
    )


def _description(name: str, value: float) -> str:
    kind = "NaN" if math.isnan(value) else "infinite"
    if name.startswith(_GRADIENT):
        return f"the gradient of {name.removeprefix(_GRADIENT)} is {kind}"
    return f"the loss {name} is {kind}"


def _listing(files: Sequence[Path]) -> str:
    more = f", ... ({len(files)} files)" if len(files) > _MAX_LISTED else ""
    return ", ".join(map(str, files[:_MAX_LISTED])) + more
