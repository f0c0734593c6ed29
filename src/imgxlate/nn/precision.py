"""What is computed in float32 at least, whatever precision the products around it have."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """`x` in float32 where it is less precise, or as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@contextlib.contextmanager
def without_autocast(device: torch.device) -> Iterator[None]:
    """Keep torch.autocast from lowering the precision of products within the block."""
    if not torch.is_autocast_enabled(device.type):  # Programs that export a network need no trace of this.
        yield
        return
    with torch.autocast(device.type, enabled=False):
        yield
