"""Randomness as a function of seed, step and image, so that a run resumes without stored generator states."""

import hashlib
import random
from collections.abc import Sequence

import torch
from torch import Tensor

from imgxlate.methods.protocol import Noise


def derived(*parts: int | str) -> int:
    """A seed of 63 bits, computed from `parts`. Different parts give unrelated seeds."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_noise(seed: int, step: int, positions: Sequence[int], device: torch.device) -> Noise:
    """Noise for the images at `positions` of the batch over all processes, in float32 on `device`.

    The noise of an image depends on seed, step, position and the earlier draws of the step, not on the process that
    computes the image. CPU and CUDA draw different numbers.
    """
    generators = [torch.Generator(device).manual_seed(derived(seed, step, "noise", n)) for n in positions]

    def noise(shape: Sequence[int]) -> Tensor:
        return torch.stack([torch.randn(tuple(shape), generator=each, device=device) for each in generators])

    return noise


def make_random(seed: int, step: int) -> random.Random:
    """The generator of a step for choices that all processes make alike."""
    return random.Random(derived(seed, step, "random"))  # noqa: S311 (nothing secret)
