"""Minimizes the objective over the pixels of an image, with a guard against steps that explode."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from imgxlate.errors import DivergedError
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.objective import Losses

# Mean length of L-BFGS's first step at a learning rate of 1, in gray levels. It must be long enough to measure
# curvature in bfloat16: torch's own first step, 1 / (3 H W), is lost in rounding there, and the next step destroys the
# image.
_FIRST_STEP = 1.0
_EXPLODED = 10.0  # A step explodes if it makes the loss this many times the best. Twice the best is common in L-BFGS.
_SHORTENING = 4.0  # After an explosion, steps are shorter by this factor ...
_SHORTEST = _SHORTENING**-8  # ... down to this fraction of a full step; still shorter ones make no progress.


class Descent:
    """Optimizes a `canvas` (1, 3, H, W), in gray levels; each iteration calls `evaluate` once.

    L-BFGS without line search suits this objective best, but a step sometimes explodes. Then the descent returns to its
    best image, clears the optimizer's memory and shortens its steps by a factor of four. Each image that is better than
    the best doubles them again. Doubling is less than the shortening, so steps get shorter even if every second step
    explodes, as it may from noise.
    """

    def __init__(
        self, config: GatysConfig, evaluate: Callable[[Tensor], tuple[Losses, Tensor]], canvas: Tensor
    ) -> None:
        self.canvas = canvas.detach()  # the best image so far
        self._best = float("inf")
        self._step_length = 1.0  # as a fraction of a full step
        self._config = config
        self._rate = config.learning_rate or 1.0  # the factor of each step of L-BFGS
        self._evaluate = evaluate  # to the loss and its gradient
        self._working = canvas.detach().clone().contiguous().requires_grad_()  # L-BFGS views it as a vector.
        self._optimizer = self._start()

    def run(self, iterations: int) -> Iterator[dict[str, float]]:
        """Yield the losses after each of `iterations` evaluations; `canvas` is the best image so far.

        Raises:
            DivergedError: the loss is not finite or explodes, even with the shortest steps.
        """
        for _ in range(iterations):
            evaluated = self._working.detach().clone()
            losses = self._step()
            self._accept(losses["total"], evaluated)
            yield losses
        self._optimizer.state.clear()  # It takes much memory, and callers keep the descent for its canvas.
        self._working.grad = None

    def _start(self) -> torch.optim.Optimizer:
        if self._config.optimizer == "adam":
            return torch.optim.Adam([self._working], lr=self._config.learning_rate or 10.0)
        first_step = _FIRST_STEP * self._working.numel() * self._rate * self._step_length
        return torch.optim.LBFGS(
            [self._working],
            lr=first_step,  # for the first step only; torch divides it by the sum of the gradient's absolute values
            max_iter=1,
            max_eval=1,
            tolerance_grad=0,
            tolerance_change=0,
            history_size=self._config.history_size,
        )

    def _step(self) -> dict[str, float]:
        evaluated: list[Losses] = []

        def closure() -> float:
            self._working.grad = None  # frees its memory
            losses, self._working.grad = self._evaluate(self._working)
            evaluated.append(losses)
            return losses.total.item()

        self._optimizer.step(closure)
        if self._config.optimizer == "lbfgs":
            self._optimizer.param_groups[0]["lr"] = self._rate * self._step_length
        return evaluated[0].summary()

    def _accept(self, loss: float, image: Tensor) -> None:
        """Keep `image`, whose total loss is `loss`, if it is the best; start again from the best if it exploded."""
        if loss < self._best:
            self._best, self.canvas = loss, image
            self._step_length = min(1.0, 2 * self._step_length)
        elif not math.isfinite(loss) or self._exploded(loss):
            self._restart()

    def _exploded(self, loss: float) -> bool:
        """Steps of Adam are bounded, so that it recovers by itself."""
        return self._config.optimizer == "lbfgs" and loss > _EXPLODED * self._best

    def _restart(self) -> None:
        self._step_length /= _SHORTENING
        if self._step_length < _SHORTEST or self._best == float("inf"):
            raise DivergedError(
                "the image diverged: its loss explodes at every attempt",
                hint="Try --optimizer adam, a lower --learning-rate, or --precision fp32.",
            )
        with torch.no_grad():
            self._working.copy_(self.canvas)
        self._optimizer = self._start()
