"""Paints the inputs of `imgxlate neural-style`: an image of each, or a figure of the paper."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from imgxlate.cli.files import read_image, require_size, write_image
from imgxlate.cli.masks import Masks
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar, duration_in_words
from imgxlate.cli.recording import Recording
from imgxlate.cli.regions import GivenRegion
from imgxlate.cli.steps import Steps, folder_of
from imgxlate.images.outputs import Existing, Job, Target
from imgxlate.methods.spec import FigurePlan, FigureSpec
from imgxlate.threads import AdaptiveThreads

if TYPE_CHECKING:
    from imgxlate.images.image_array import Depth, ImageArray
    from imgxlate.inference.fast_style import FastStyleTransfer
    from imgxlate.inference.stylization import Iteration, StyleTransfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Painting:
    """Paints each content image."""

    out: Output
    transfer: "StyleTransfer"
    styles: "Sequence[ImageArray]"
    init: "ImageArray | None"
    start: "FastStyleTransfer | None"  # paints the image to start from, in place of `init`
    preset: str
    seed: int
    save_every: int | None
    existing: Existing
    threads: AdaptiveThreads
    depth: "Depth"
    kept: Recording
    masks: Masks
    regions: Sequence[GivenRegion]

    def run(self, job: Job) -> None:
        """Paint one content image."""
        (target,) = job.targets
        content = self.kept.read(self.out, job.source, self.transfer.limits, self.depth)
        mask = self.masks.read(job.source)
        regions = [region.of_input(job.source) for region in self.regions]
        steps = None
        if self.save_every:
            steps = Steps(self.out, folder_of(target.path), self.save_every, self.existing)
            steps.begin()
        started = time.perf_counter()
        init = self.init
        if self.start:
            whole = [replace(region, style_mask=None) for region in regions]  # One pass takes no part of a style image.
            init = self.start.stylize_array(content.image, self.styles, regions=whole, depth=self.depth)
        with Bar(self.out, job.source.name, None, "iterations").shown() as bar:
            progress = _Progress(self.out, bar, job.targets, steps, self.threads)
            image = self.transfer.stylize_array(
                content.image,
                self.styles,
                regions=regions,
                init=init,
                seed=self.seed,
                mask=mask,
                on_iteration=progress.show,
                depth=self.depth,
            )
        self.kept.write(self.out, image, target.path, content)
        _report(
            self.out,
            job,
            {"method": self.transfer.spec.label, "preset": self.preset, "seed": self.seed},
            image.size,
            {"iterations": progress.iterations, "losses": progress.losses},
            time.perf_counter() - started,
        )


@dataclass(slots=True)
class _Progress:
    """Shows the iterations of a painting, and writes its steps."""

    out: Output
    bar: Bar
    targets: Sequence[Target]
    steps: Steps | None  # None: they are not written
    threads: AdaptiveThreads
    iterations: int = 0  # over all scales
    losses: Mapping[str, float] | None = None  # of the last iteration
    started: float = 0.0  # when the first iteration at this scale ended
    explained: str = ""  # how memory is saved at this scale

    def show(self, state: "Iteration") -> None:
        """Show an iteration."""
        if state.iteration > 1:  # The first one at a scale also computes the features of the content and the styles.
            self.threads.end(math.prod(state.size))
        self.iterations += 1
        self.losses = dict(state.losses)
        height, width = state.size
        if state.iteration == 1:
            require_size(self.targets, state.size)  # The next scale may take hours.
            self.started, self.explained = time.perf_counter(), ""
            if state.note:
                self.out.note(f"{width}x{height} pixels: {state.note}")
        if state.memory_plan != self.explained:
            self._explain(state)
        scale = f"scale {state.scale} of {state.scales}, {width}x{height} px"
        self.bar.update(state.iteration, state.iterations, f"{scale}, loss {state.losses['total']:.3g}")
        if self.steps and self.steps.is_due(self.iterations):
            self.steps.write(self.iterations, state.array())
        self.threads.begin()

    def _explain(self, state: "Iteration") -> None:
        """Say once at a scale that takes too much memory how it is computed, and about how long."""
        if state.iteration == 1 < state.iterations:
            return
        height, width = state.size
        text = f"{width}x{height} pixels: {state.memory_plan}"
        if state.iteration > 1:
            seconds = (time.perf_counter() - self.started) / (state.iteration - 1) * state.iterations
            text += f"; about {duration_in_words(seconds)} at this size"
        self.out.note(text)
        self.explained = state.memory_plan


@dataclass(frozen=True, slots=True)
class FigurePainting:
    """Paints a figure of each input."""

    out: Output
    transfer: "StyleTransfer"
    name: str
    figure: FigureSpec
    plan: FigurePlan
    styles: "Sequence[ImageArray]"  # for a figure whose style images are given
    init: "ImageArray | None"
    preset: str
    seed: int

    def run(self, job: Job) -> None:
        """Paint the figure of one input."""
        from imgxlate.inference.figures import lay_out_figure, paint_figure

        original = read_image(self.out, job.source, self.transfer.limits)
        started = time.perf_counter()
        with Bar(self.out, job.source.name, None, "iterations").shown() as bar:
            parts = paint_figure(
                self.figure,
                self.plan,
                self.transfer,
                original,
                styles=self.styles,
                init=self.init,
                seed=self.seed,
                on_iteration=bar.update,
            )
        name = job.source.path.name if job.source.path else job.source.stem
        sheet = lay_out_figure(self.figure, self.plan, name, original, [part.image for part in parts])
        write_image(self.out, sheet, job.targets[0].path)
        images = [{**each.part.values, "iterations": each.iterations, "losses": dict(each.losses)} for each in parts]
        _report(
            self.out,
            job,
            {"method": self.transfer.spec.label, "figure": self.name, "preset": self.preset, "seed": self.seed},
            sheet.size,
            {"pictures": images},
            time.perf_counter() - started,
        )


def _report(
    out: Output,
    job: Job,
    method: Mapping[str, Any],
    size: tuple[int, int],
    result: Mapping[str, Any],
    seconds: float,
) -> None:
    """Print the line of `--json`, or the name of the output."""
    (target,) = job.targets
    height, width = size
    files = {"input": job.source.name, "output": target.name}
    out.record({**files, **method, "width": width, "height": height, **result, "seconds": round(seconds, 3)})
    if target.path is not None and not out.as_json:
        out.note(str(target.path))
