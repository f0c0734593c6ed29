"""Runs networks on batches, with products in bfloat16 where that is asked for, and results in float32 at least."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from imgxlate.nn.precision import at_least_float32


def run(network: Callable[..., Tensor], *inputs: Tensor, lowered: bool) -> Tensor:
    """What `network` makes of `inputs`; `lowered`: it multiplies in bfloat16."""
    with autocast(inputs[0].device, lowered=lowered):
        return at_least_float32(network(*inputs))


def run_together(network: Callable[..., Tensor], *parts: Sequence[Tensor], lowered: bool) -> Sequence[Tensor]:
    """What `network` makes of each of `parts`, the inputs (B, ...) of one call; all go through it as one batch.

    The network must not let pictures of a batch depend on each other, as batch norm does.
    """
    made = run(network, *(torch.cat(inputs) for inputs in zip(*parts, strict=True)), lowered=lowered)
    return torch.split(made, [len(inputs[0]) for inputs in parts])


def autocast(device: torch.device, *, lowered: bool) -> torch.autocast:
    """Within the block, products are taken in bfloat16 if `lowered`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=lowered)
