"""Evaluates the model of a run, keeps the best one, and notices when the run no longer improves."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence

from imgxlate.data.dataset import Rejected
from imgxlate.data.folders import Source
from imgxlate.data.hold_out import choose
from imgxlate.errors import DivergedError
from imgxlate.inference.model import Model
from imgxlate.training import evaluations, evaluator, loaded_images, plots
from imgxlate.training.evaluations import FEWEST_IMAGES, Evaluation
from imgxlate.training.evaluator import Evaluator
from imgxlate.training.plan import Plan
from imgxlate.training.run_model import step_of

_KINDS: Mapping[Source, str] = {
    "folder": "test images of {}",
    "set aside": "images of {} that are set aside",
    "training": "training images of {}, because none are set aside",
}


def description(plan: Plan) -> str:
    """Tells the user how the model of a run will be evaluated."""
    config, images = plan.config, plan.folders
    tests = [
        f"{min(config.evaluate_images, len(domain.test))} {_KINDS[domain.source].format(name)}"
        for domain, name in zip((images.a, images.b), images.names, strict=True)
    ]
    distance = "KID" if plan.inception else "kd-vgg19"
    return f"evaluation ({distance}) every {config.evaluate_every} steps on {' and '.join(tests)}"


class Quality:
    """The evaluations of a run. Only the main process has them."""

    def __init__(self, plan: Plan, step: int, warm_up: int, report: Callable[[Sequence[Rejected]], None]) -> None:
        """Continue from `step`, and remove evaluations of later steps. `report` is called with unreadable images.

        `warm_up` is the number of steps at the beginning in which the generators do not learn.

        Raises:
            OutputError: the run folder cannot be written.
        """
        self._plan = plan
        self._warm_up = warm_up
        self._report = report
        self._evaluator: Evaluator | None = None  # loaded when it is first needed
        found = evaluations.read(plan.run.quality)
        self._evaluations = [one for one in found if one.step <= step]
        if len(self._evaluations) < len(found):
            evaluations.write(plan.run.quality, self._evaluations)
        if step_of(plan.run.best) > step:  # The checkpoint of that step was damaged, and an older one is taken.
            plan.run.remove_best()

    def has(self, step: int) -> bool:
        """Whether the model of `step` is evaluated."""
        return any(one.step == step for one in self._evaluations)

    def evaluate(
        self, step: int, model: Model, save: Callable[[Evaluation], None]
    ) -> Generator[None, None, Evaluation | None]:
        """Evaluate the model of `step`. Yields after each image; returns None if no evaluation is possible.

        `save` is called with the evaluation of a model that is the best so far.

        Raises:
            OutputError: a file cannot be written.
        """
        started = time.perf_counter()
        measuring = self._loaded()
        if measuring is None:
            return None
        try:
            quality = yield from measuring.measure(model)
        except DivergedError as error:
            # The losses of the next step are NaN in all processes. They name the files, and all processes see them.
            self._plan.notify(f"no evaluation after step {step}: {error}")
            return None
        seconds = time.perf_counter() - started
        done = evaluations.add(self._evaluations, step, quality, measuring.features.kernel_name, seconds)
        # The model comes first: if the run is killed before the line is written, the evaluation is repeated.
        if done[-1].is_best:
            save(done[-1])
        evaluations.write(self._plan.run.quality, done)
        plots.write_quality(self._plan.run.quality_curves, done)
        self._evaluations = done
        return done[-1]

    def ends_run(self) -> bool:
        """Whether so many evaluations have brought no improvement that the run ends. If so, tells the user.

        Evaluations of the warm-up do not count: the model cannot improve then.
        """
        patience, best = self._plan.config.patience, evaluations.best(self._evaluations)
        since = evaluations.since_best([one for one in self._evaluations if one.step > self._warm_up])
        if best is None or not 0 < patience <= since:
            return False
        last = "last evaluation" if since == 1 else f"last {since} evaluations"
        self._plan.notify(
            f"ending the run after step {self._evaluations[-1].step}: the {last} brought no improvement over step "
            f"{best.step}, whose {best.ranked_by} is {best.score:.3g}; "
            "to continue, use --resume with another --patience"
        )
        return True

    def _loaded(self) -> Evaluator | None:
        """The evaluator, or None if there are not enough images."""
        if self._evaluator is None:
            folders, config = self._plan.folders, self._plan.config
            count = config.evaluate_images
            files_a, files_b = choose(folders.test_a, count), choose(folders.test_b, count)
            loaded = loaded_images.load(files_a, files_b, count, config.data)
            self._report(loaded.rejected)
            if min(len(images) for images in loaded.images.values()) < FEWEST_IMAGES:
                self._plan.notify(
                    f"no evaluation: it needs {FEWEST_IMAGES} test images of each domain that can be read"
                )
                return None
            self._evaluator = evaluator.load(loaded.images, self._plan.inception, self._plan.device)
        return self._evaluator
