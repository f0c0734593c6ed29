"""`--hours`: the size, the width and the number of steps that fit into a given time on this machine.

The candidates are measured from the smallest to the largest. The largest one is chosen whose crops are no larger than
the images, and for which the time suffices for the fewest steps that its method names. All of the time goes into steps.
"""

import contextlib
import dataclasses
import math
import statistics
from datetime import datetime, timedelta
from typing import Any

from imgxlate.callbacks import Notify, ignore
from imgxlate.data.folders import Folders
from imgxlate.errors import ImageError, UsageError, is_out_of_memory
from imgxlate.images.value_files import size_of
from imgxlate.inference.device import require_exact
from imgxlate.training import recipes
from imgxlate.training.distributed import joined
from imgxlate.training.plan import Plan
from imgxlate.training.recipes import Candidate, Recipe
from imgxlate.training.trainer import Trainer, own_positions

_STEPS_SHARE = 0.9  # of the time, for steps; the rest is for measuring, evaluations and files
_LONGEST = 15.0  # seconds to measure a candidate
_MEASURING_SHARE = 0.02  # of the time, at most, to measure a candidate
_PREPARING = 3  # steps that do not count: libraries are loaded, algorithms are chosen, CUDA graphs are recorded
_DECIDED = ("precision", "metrics")  # values that depend on the machine, and are the same for all candidates
_TIMES = {"checkpoint_every": 10, "sample_every": 10, "evaluate_every": 2}  # at least so often in a run
_SAMPLED = 8  # images of each kind whose sizes are looked at


@dataclasses.dataclass(frozen=True, slots=True)
class _Choice:
    """A candidate that was measured."""

    candidate: Candidate
    seconds: float  # of a step
    steps: int  # that fit into the time

    @property
    def suffices(self) -> bool:
        """Whether there is time for the fewest steps that are worth it."""
        return self.steps >= self.candidate.least_steps


def choose(recipe: Recipe, hours: float, plan: Plan) -> Recipe:
    """The candidate of `recipe` that makes the most of the time, with the number of steps that fill it.

    `plan` is that of `recipe`; it has the images, the device, and the values that this machine decides.

    Raises:
        UsageError: the time is too short for a single step.
        ImgxlateError: a step cannot be taken, as in training.
    """
    side, notify = _shorter_side(plan.folders), plan.notify
    notify(f"measuring the time of a step, to fill {hours:g} hours")
    best: _Choice | None = None
    for candidate in recipe.candidates:
        data = candidate.recipe.config.data
        if best and min(data.crop_height, data.crop_width) > side:
            notify(f"{candidate.name}: larger than the images, whose shorter side is {side:g} px")
            break
        try:
            seconds = _seconds_per_step(_plan_of(candidate, plan), min(_LONGEST, hours * 3600 * _MEASURING_SHARE))
        except (RuntimeError, MemoryError) as error:
            if best is None or not is_out_of_memory(error):
                raise
            notify(f"{candidate.name}: takes more memory than there is")
            break
        choice = _Choice(candidate, seconds, int(hours * 3600 * _STEPS_SHARE / seconds))
        least = f"; it needs at least {candidate.least_steps:,}" if candidate.least_steps else ""
        notify(f"{candidate.name}: {seconds:.3g} s a step, {choice.steps:,} steps in the time{least}")
        if best is None or choice.suffices:
            best = choice
        if not choice.suffices:
            break
    if best is None or not best.steps:
        raise UsageError(f"{hours:g} hours are too short for one step", hint="Give more --hours.")
    _announce(best, hours, notify)
    return _with_steps(_plan_of(best.candidate, plan), best.candidate.recipe, best.steps)


def _plan_of(candidate: Candidate, plan: Plan) -> Plan:
    """The plan with the configuration of a candidate."""
    decided = {key: getattr(plan.config, key) for key in _DECIDED}
    config = dataclasses.replace(candidate.recipe.config, **decided)
    return dataclasses.replace(plan, config=config, preset=candidate.recipe.preset)


def _shorter_side(images: Folders) -> float:
    """The median of the shorter sides of some images, in pixels; infinite if none of them can be read."""
    sides = []
    for files in (images.train_a, images.train_b):
        for file in files[:: max(1, len(files) // _SAMPLED)][:_SAMPLED]:
            with contextlib.suppress(ImageError):
                sides.append(min(size_of(file)))
    return statistics.median(sides) if sides else math.inf


def _seconds_per_step(plan: Plan, limit: float) -> float:
    """The median time of a step, with its images; of several processes, the longest.

    Takes about `limit` seconds, but at least two steps.
    """
    quiet = dataclasses.replace(plan, start=None, notify=ignore)
    with joined(plan.device) as world:
        require_exact(plan.device, plan.arithmetic.dtype)
        trainer = Trainer(quiet, world, own_positions(plan.config))
        trainer.build(None, writes=False)
        times: list[float] = []
        with contextlib.closing(trainer.rehearse()) as steps:
            for seconds in steps:
                times.append(seconds)
                # The first step compiles networks and starts libraries, which says nothing about the others.
                enough = sum(times) > limit and (len(times) > _PREPARING or sum(times[1:]) > limit)
                if any(world.gather_objects(enough)):
                    break
        slowest: float = max(world.gather_objects(statistics.median(times[_PREPARING:] or times[-1:])))
        return slowest


def _announce(best: _Choice, hours: float, notify: Notify) -> None:
    end = datetime.now().astimezone() + timedelta(hours=best.seconds * best.steps / _STEPS_SHARE / 3600)
    notify(f"chosen: {best.candidate.name}, {best.steps:,} steps; the run should end about {end:%Y-%m-%d %H:%M}")
    if not best.suffices:
        needed = best.candidate.least_steps * best.seconds / _STEPS_SHARE / 3600
        notify(f"{hours:g} hours are little for this machine: a useful model takes about {needed:.1f} hours or more")


def _with_steps(plan: Plan, recipe: Recipe, steps: int) -> Recipe:
    """The recipe of `plan` with that number of steps, and checkpoints, samples and evaluations often enough for it."""
    values: dict[str, Any] = {"iterations": steps, "epochs": None}
    for key, times in _TIMES.items():
        if recipe.origins[key].startswith("preset"):
            values[key] = min(getattr(recipe.config, key), max(1, steps // times))
    chosen = dataclasses.replace(recipe, config=plan.config)
    return recipes.with_values(chosen, values, origin="--hours")
