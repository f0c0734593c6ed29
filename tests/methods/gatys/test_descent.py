import gc
import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from imgxlate.errors import DivergedError
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.descent import Descent
from imgxlate.methods.gatys.objective import Losses

CONFIG = GatysConfig()


def as_losses(total: Tensor) -> Losses:
    return Losses({"content": total}, {}, total.new_zeros(()), total.new_zeros(()))


def valley(canvas: Tensor) -> Losses:
    """A long valley about 100."""
    slopes = torch.linspace(1, 300, canvas.numel()).view_as(canvas)
    return as_losses(((canvas - 100).square() * slopes).sum())


def with_gradient(objective: Callable[[Tensor], Losses]) -> Callable[[Tensor], tuple[Losses, Tensor]]:
    def evaluate(canvas: Tensor) -> tuple[Losses, Tensor]:
        losses = objective(canvas)
        [gradient] = torch.autograd.grad(losses.total, canvas)
        return losses, gradient

    return evaluate


def run(config: GatysConfig, objective: Callable[[Tensor], Losses], iterations: int) -> tuple[Descent, list[float]]:
    descent = Descent(config, with_gradient(objective), torch.zeros(1, 3, 4, 4))
    return descent, [losses["total"] for losses in descent.run(iterations)]


@pytest.mark.parametrize(
    ("config", "iterations"), [(CONFIG, 30), (GatysConfig(optimizer="adam", learning_rate=5.0), 200)]
)
def test_it_finds_the_minimum(config: GatysConfig, iterations: int) -> None:
    descent, totals = run(config, valley, iterations)
    assert len(totals) == iterations
    assert min(totals) < 1e-3 * totals[0]
    assert (descent.canvas - 100).abs().max() < 5


def test_an_iteration_is_one_evaluation() -> None:
    seen: list[Tensor] = []

    def counted(canvas: Tensor) -> Losses:
        seen.append(canvas.detach().clone())
        return valley(canvas)

    descent = Descent(CONFIG, with_gradient(counted), torch.zeros(1, 3, 4, 4))
    for count, _ in enumerate(descent.run(7), start=1):
        assert len(seen) == count


def test_the_first_step_moves_pixels_by_one_gray_level_on_average() -> None:
    seen: list[Tensor] = []
    run(CONFIG, lambda canvas: (seen.append(canvas.detach().clone()), valley(canvas))[1], 2)
    assert (seen[1] - seen[0]).abs().mean().item() == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("rate", [0.01, 3.0])
def test_the_learning_rate_is_a_factor_of_the_first_step_and_of_the_first_one_after_an_explosion(rate: float) -> None:
    def steps(config: GatysConfig) -> list[float]:
        seen: list[Tensor] = []

        def exploding(canvas: Tensor) -> Losses:
            seen.append(canvas.detach().clone())
            losses = valley(canvas)
            return as_losses(losses.total * 1e30) if len(seen) == 2 else losses

        run(config, exploding, 4)
        return [(after - before).abs().mean().item() for before, after in itertools.pairwise(seen)]

    first, _, again = steps(CONFIG)
    scaled_first, _, scaled_again = steps(GatysConfig(learning_rate=rate))
    assert scaled_first == pytest.approx(rate * first, rel=1e-3)
    assert scaled_again == pytest.approx(rate * again, rel=1e-3)


def test_the_canvas_is_the_best_image_that_was_evaluated() -> None:
    seen: list[tuple[float, Tensor]] = []

    def recorded(canvas: Tensor) -> Losses:
        losses = valley(canvas)
        seen.append((losses.total.item(), canvas.detach().clone()))
        return losses

    descent, _ = run(GatysConfig(optimizer="adam", learning_rate=150.0), recorded, 20)
    best = min(seen, key=lambda pair: pair[0])
    assert best is not seen[-1]  # Steps this long overshoot.
    assert torch.equal(descent.canvas, best[1])


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_after_an_explosion_it_continues_from_the_best_image(value: float) -> None:
    evaluations = itertools.count()

    def exploding(canvas: Tensor) -> Losses:
        losses = valley(canvas)
        return as_losses(losses.total * value) if next(evaluations) == 6 else losses

    descent, totals = run(CONFIG, exploding, 40)
    assert totals[7] == min(totals[:6])
    assert min(totals) < 1e-3 * totals[0]
    assert descent.canvas.isfinite().all()


def ridge(canvas: Tensor) -> Losses:
    """Flat at 0 and ever steeper away from it, up to valleys at -100 and 100."""
    return as_losses((canvas.square() - 1e4).square().sum())


def test_steps_get_shorter_until_the_second_step_no_longer_explodes() -> None:
    descent = Descent(CONFIG, with_gradient(ridge), torch.full((1, 3, 4, 4), 0.1))
    totals = [losses["total"] for losses in descent.run(60)]
    assert max(totals[:10]) > 100 * totals[0]
    assert min(totals) < 1e-3 * totals[0]


def test_a_loss_that_is_never_finite_is_a_divergence() -> None:
    with pytest.raises(DivergedError, match="diverged") as caught:
        run(CONFIG, lambda canvas: as_losses(canvas.sum() * math.nan), 3)
    assert "adam" in str(caught.value.hint)


def test_endless_explosions_are_a_divergence() -> None:
    evaluations = itertools.count()

    def hopeless(canvas: Tensor) -> Losses:
        return as_losses(canvas.square().sum() + (1.0 if next(evaluations) == 0 else math.inf))

    with pytest.raises(DivergedError):
        run(CONFIG, hopeless, 100)


def test_the_given_canvas_is_not_changed() -> None:
    canvas = torch.zeros(1, 3, 4, 4)
    list(Descent(CONFIG, with_gradient(valley), canvas).run(3))
    assert canvas.abs().sum() == 0


def test_after_the_run_only_the_images_stay_in_memory() -> None:
    canvas = torch.zeros(1, 3, 41, 43)
    descent = Descent(CONFIG, with_gradient(valley), canvas)
    list(descent.run(10))
    gc.collect()
    sizes = [each.numel() for each in gc.get_objects() if type(each) is Tensor]
    assert sizes.count(canvas.numel()) <= 3  # `canvas`, the best image and the last one
