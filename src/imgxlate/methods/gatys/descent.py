"""Minimises the objective over the pixels of a picture, with a guard against steps that go astray."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from imgxlate.errors import DivergedError
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.objective import Losses

# Mean length of L-BFGS's first step, in grey levels. It must be long enough to measure curvature in bfloat16: torch's
# own, which is 1 / (3 H W), is all rounding error there, and the step after it leaves the picture in ruins.
_FIRST_STEP = 1.0
_ASTRAY = 10.0  # A loss this many times the best is no step of a descent. L-BFGS often passes twice the best.
_SHORTENED = 4.0  # how many times shorter steps are after one
_SHORTEST = _SHORTENED**-8  # of a full step; shorter ones lead nowhere


class Descent:
    """An optimisation of a `canvas` (1, 3, H, W), in grey levels, by one evaluation of `objective` an iteration.

    L-BFGS without line search, which suits this objective best, sometimes takes a step that explodes. Then the descent
    goes back to its best picture, forgets the optimiser's memory and takes shorter steps. Each better picture makes
    them twice as long again: less than an explosion took, so that a descent whose every second step explodes, as from
    noise, ends that.
    """

    def __init__(self, config: GatysConfig, objective: Callable[[Tensor], Losses], canvas: Tensor) -> None:
        self.canvas = canvas.detach()  # the best picture met
        self._best = float("inf")
        self._step_length = 1.0  # in full steps
        self._config = config
        self._objective = objective
        self._working = canvas.detach().clone().contiguous().requires_grad_()  # L-BFGS views it as a vector.
        self._optimizer = self._start()

    def run(self, iterations: int) -> Iterator[dict[str, float]]:
        """Yield the losses after each of `iterations` evaluations; `canvas` has the best picture met.

        Raises:
            DivergedError: the loss is not finite, or explodes however often the descent starts again.
        """
        for _ in range(iterations):
            evaluated = self._working.detach().clone()
            losses = self._step()
            self._judge(losses["total"], evaluated)
            yield losses

    def _start(self) -> torch.optim.Optimizer:
        rate = self._config.learning_rate
        if self._config.optimizer == "adam":
            return torch.optim.Adam([self._working], lr=rate or 10.0)
        first_step = _FIRST_STEP * self._working.numel() * self._step_length
        return torch.optim.LBFGS(
            [self._working],
            lr=first_step,  # of the first step only; torch divides it by the gradient's sum of absolute values
            max_iter=1,
            max_eval=1,
            tolerance_grad=0,
            tolerance_change=0,
            history_size=self._config.history_size,
        )

    def _step(self) -> dict[str, float]:
        evaluated: list[Losses] = []

        def closure() -> float:
            self._optimizer.zero_grad()
            losses = self._objective(self._working)
            torch.autograd.backward(losses.total)
            evaluated.append(losses)
            return losses.total.item()

        self._optimizer.step(closure)
        if self._config.optimizer == "lbfgs":
            self._optimizer.param_groups[0]["lr"] = (self._config.learning_rate or 1.0) * self._step_length
        return evaluated[0].summary()

    def _judge(self, loss: float, picture: Tensor) -> None:
        """Keep `picture`, of which `loss` is the total, if it is the best; if far worse, start again from the best."""
        if loss < self._best:
            self._best, self.canvas = loss, picture
            self._step_length = min(1.0, 2 * self._step_length)
        elif not math.isfinite(loss) or self._is_astray(loss):
            self._restart()

    def _is_astray(self, loss: float) -> bool:
        """Adam's steps are bounded: it comes back by itself."""
        return self._config.optimizer == "lbfgs" and loss > _ASTRAY * self._best

    def _restart(self) -> None:
        self._step_length /= _SHORTENED
        if self._step_length < _SHORTEST or self._best == float("inf"):
            raise DivergedError(
                "the picture diverged: its loss explodes at every attempt",
                hint="Try --optimizer adam, a lower --learning-rate, or --precision fp32.",
            )
        with torch.no_grad():
            self._working.copy_(self.canvas)
        self._optimizer = self._start()
