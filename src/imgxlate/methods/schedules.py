"""How learning rates change from step to step. Imports no torch."""

from collections.abc import Callable
from typing import Literal

Schedule = Callable[[int], float]
"""The factor of the learning rate at a step, counted from 0."""

LrPolicy = Literal["step", "constant"]
"""How MUNIT's and UNIT's learning rate changes: by `gamma` every `step_size` steps, or not at all."""


def step_decay(policy: LrPolicy, step_size: int, gamma: float) -> Schedule:
    """The learning rate times `gamma` every `step_size` steps, or constant.

    The originals count a step before they take it (train.py), with a scheduler that in PyTorch 0.4, which they were
    made for, begins before 0 (its optim/lr_scheduler.py): so the first `step_size` steps have the full rate.
    """
    return (lambda step: gamma ** (step // step_size)) if policy == "step" else (lambda step: 1.0)
