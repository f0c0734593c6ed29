"""Moments of norms that are averaged over the frames of a film, so that a network treats like frames alike.

An instance norm takes the mean and the variance of each channel from the image itself. They change from frame to frame,
and with them all colors of the output. Within `MovingMoments.frame`, all norms of the networks in `imgxlate.nn` take
their exponential moving averages instead.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imgxlate.nn.stages import Moments

_current: ContextVar["MovingMoments | None"] = ContextVar("moving_moments", default=None)


class MovingMoments:
    """The exponential moving averages of the moments at each norm, in the order in which the norms are computed.

    The first frame takes its own moments. All frames have the same size, and are translated once each.
    """

    def __init__(self, rate: float) -> None:
        """`rate` is the weight of a frame in the averages, from 0 to 1."""
        self._rate = rate
        self._averages: list[Moments] = []  # after the last frame; none: the next frame is the first
        self._updated: list[Moments] = []  # by the frame that is computed

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Let norms take the averages while a frame is computed."""
        token = _current.set(self)
        self._updated = []
        try:
            yield
        finally:
            _current.reset(token)
        self._averages = self._updated

    def restart(self) -> None:
        """Forget all frames, because another shot begins."""
        self._averages = []

    def state(self) -> dict[str, NDArray[Any]]:
        """Count (), mean (C,) and squared deviations (C,) at each norm."""
        found: dict[str, NDArray[Any]] = {}
        for index, moments in enumerate(self._averages):
            found[f"{index}.count"] = np.array(moments.count)
            found[f"{index}.mean"], found[f"{index}.deviations"] = moments.mean.numpy(), moments.deviations.numpy()
        return found

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on after the frame whose `state` this is."""
        self._averages = [
            Moments(
                int(state[f"{index}.count"]),
                torch.tensor(state[f"{index}.mean"]),
                torch.tensor(state[f"{index}.deviations"]),
            )
            for index in range(len(state) // 3)
        ]

    def _update(self, moments: Moments) -> Moments | None:
        """Add the moments at the next norm. Returns the average, or None at the first frame."""
        index = len(self._updated)
        if not self._averages:
            self._updated.append(moments)
            return None
        before = self._averages[index]
        self._updated.append(
            Moments(
                moments.count,
                torch.lerp(before.mean, moments.mean, self._rate),
                torch.lerp(before.deviations, moments.deviations, self._rate),
            )
        )
        return self._updated[-1]

    def _begin_again(self) -> None:
        self._updated = []


def moving(x: Tensor) -> Moments | None:
    """The moments that a norm should take for its input (1, C, H, W); None: those of the input itself."""
    if torch.compiler.is_compiling():  # The compiler cannot follow a context variable.
        return None
    averages = _current.get()
    return averages._update(Moments.of(x)) if averages else None


def moved(moments: Moments) -> Moments:
    """The moments that a norm should take for an input that has these `moments`."""
    averages = _current.get()
    return (averages and averages._update(moments)) or moments


def begin_frame_again() -> None:
    """Compute the current frame, if there is one, from its first norm on: the attempt before failed."""
    if averages := _current.get():
        averages._begin_again()
