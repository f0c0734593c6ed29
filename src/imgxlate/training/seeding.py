"""Randomness as a function of seed, step and picture, so that resuming needs no stored state of a generator."""

import hashlib
import random
from collections.abc import Sequence

import torch
from torch import Tensor

from imgxlate.methods.protocol import Noise


def derived(*parts: int | str) -> int:
    """A seed of 63 bits that follows from `parts`; different parts give unrelated seeds."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_noise(seed: int, step: int, positions: Sequence[int], device: torch.device) -> Noise:
    """Noise for the pictures at `positions` of the global batch, in float32 on `device`.

    A picture's noise depends on seed, step, its position and how much was drawn for it before in the same step; not on
    which process has it. Kinds of devices draw different numbers.
    """
    generators = [torch.Generator(device).manual_seed(derived(seed, step, "noise", n)) for n in positions]

    def noise(shape: Sequence[int]) -> Tensor:
        return torch.stack([torch.randn(tuple(shape), generator=each, device=device) for each in generators])

    return noise


def make_random(seed: int, step: int) -> random.Random:
    """What is random in a step and the same in all processes."""
    return random.Random(derived(seed, step, "random"))  # noqa: S311 (nothing secret)
