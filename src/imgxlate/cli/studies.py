"""Figures of the paper from `neural-style`: what the options ask for, and the work, a contact sheet for each input."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from imgxlate.cli import runs
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.images.outputs import Job, Target
from imgxlate.inference.studies import RATIOS, Figure, Part, Study
from imgxlate.methods.spec import MethodConfig

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.methods.protocol import Iterate, Stylizer

_TITLES = {
    Figure.CONTENT: "content from each layer alone",
    Figure.STYLE: "style from more and more layers",
    Figure.SWEEP: "style layers by content / style ratio",
}


def chosen_figure(reconstruct: Literal["content", "style"] | None, sweep: bool) -> Figure | None:
    """The figure that is asked for.

    Raises:
        UsageError: two are.
    """
    if reconstruct and sweep:
        raise UsageError("--reconstruct and --sweep exclude each other")
    if sweep:
        return Figure.SWEEP
    return Figure(f"reconstruct-{reconstruct}") if reconstruct else None


def inputs_of(figure: Figure | None, content: str, styles: list[str]) -> tuple[list[str], list[str]]:
    """What outputs are made of, one for each, and the style pictures that go into each.

    Raises:
        UsageError: styles are missing, or there are some where none is wanted.
    """
    if figure is Figure.STYLE:
        return styles or [content], []
    if figure is Figure.CONTENT and styles:
        raise UsageError(f"--reconstruct content takes no style picture: {styles[0]}", hint="Leave it out.")
    if figure is not Figure.CONTENT and not styles:
        what = "--sweep" if figure else "neural-style"
        raise UsageError(
            f"{what} needs a style picture beside {content}",
            hint="Type `imgxlate neural-style CONTENT STYLE`, with options after it.",
        )
    return [content], styles


def require_fitting(
    figure: Figure | None, *, content_weight: float | None, save_every: int | None, sweep_ratios: str | None
) -> None:
    """Refuse options that a figure would not heed.

    Raises:
        UsageError: there is one.
    """
    if save_every and figure:
        raise UsageError("--save-every goes with a painting, not with --reconstruct or --sweep")
    if sweep_ratios is not None and figure is not Figure.SWEEP:
        raise UsageError("--sweep-ratios goes with --sweep")
    if content_weight is not None and figure in (Figure.STYLE, Figure.SWEEP):
        raise UsageError(
            "--content-weight is set by the figure itself",
            hint="--sweep-ratios says how much content weighs against style." if figure is Figure.SWEEP else None,
        )


def parse_ratios(text: str | None) -> tuple[float, ...]:
    """The ratios of a sweep.

    Raises:
        UsageError: `text` is no list of numbers.
    """
    try:
        return RATIOS if text is None else tuple(map(float, text.split(",")))
    except ValueError as error:
        raise UsageError(f"--sweep-ratios {text}: no list of numbers", hint="Such as 1e-4,1e-3,1e-2.") from error


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A picture of a study, and how it came about."""

    part: Part
    picture: "ImageArray"
    losses: dict[str, float]  # of the picture
    iterations: int


@dataclass(frozen=True, slots=True)
class Studying:
    """The work on each input."""

    out: Output
    study: Study
    load: "Callable[[MethodConfig], Stylizer]"
    styles: "Sequence[ImageArray]"  # of a sweep
    init: "ImageArray | None"
    preset: str
    seed: int

    def run(self, job: Job) -> None:
        """Make the sheet of one input."""
        (target,) = job.targets
        original = runs.read_picture(job.source)
        started = time.perf_counter()
        with Bar(self.out, job.source.name, None, "iterations").shown() as bar:
            outcomes = list(self._paint(original, bar))
        sheet = self._lay_out(job.source, original, [outcome.picture for outcome in outcomes])
        runs.write_picture(self.out, sheet, target.path)
        self._report(job, target, sheet, outcomes, time.perf_counter() - started)

    def _paint(self, original: "ImageArray", bar: Bar) -> "Iterator[_Outcome]":
        from imgxlate.inference.stylization import stylize

        parts, done = self.study.parts, 0
        styles = [original] if self.study.figure is Figure.STYLE else self.styles
        for number, part in enumerate(parts, start=1):
            iterates: list[Iterate] = []
            for iterate in stylize(self.load(part.config), original, styles, self.init, self.seed):
                iterates.append(iterate)
                total = len(parts) * iterate.iterations if iterate.scales == 1 else None
                text = f"{number} of {len(parts)}: {part.label}, loss {iterate.losses['total']:.3g}"
                bar.update(done + len(iterates), total, text)
            done += len(iterates)
            yield _outcome(part, original, iterates)

    def _lay_out(self, source: Source, original: "ImageArray", pictures: "Sequence[ImageArray]") -> "ImageArray":
        """The sheet, at the size of its pictures; a reconstruction stands beside its original."""
        from imgxlate.images.grids import contact_sheet

        study, sweep = self.study, self.study.figure is Figure.SWEEP
        columns = len(study.column_headers)
        rows = [list(pictures[start : start + columns]) for start in range(0, len(pictures), columns)]
        return contact_sheet(
            rows if sweep else [[original, *row] for row in rows],
            column_headers=study.column_headers if sweep else ["original", *study.column_headers],
            row_headers=study.row_headers,
            leading_columns=0 if sweep else 1,
            cell=max(pictures[0].size),
            title=f"{source.path.name if source.path else source.stem}: {_TITLES[study.figure]}",
        )

    def _report(
        self, job: Job, target: Target, sheet: "ImageArray", outcomes: Sequence[_Outcome], seconds: float
    ) -> None:
        height, width = sheet.size
        self.out.record(
            {
                "input": job.source.name,
                "output": target.name,
                "method": "neural-style",
                "figure": self.study.figure.value,
                "preset": self.preset,
                "seed": self.seed,
                "width": width,
                "height": height,
                "pictures": [_record(outcome) for outcome in outcomes],
                "seconds": round(seconds, 3),
            }
        )
        if target.path is not None and not self.out.as_json:
            self.out.note(str(target.path))


def _outcome(part: Part, original: "ImageArray", iterates: "Sequence[Iterate]") -> _Outcome:
    from imgxlate.inference.stylization import painted

    last = iterates[-1]
    at_full_size = [dict(iterate.losses) for iterate in iterates if iterate.scale == last.scale]
    best = min(at_full_size, key=lambda losses: losses["total"])  # The picture is the best one met.
    return _Outcome(part, painted(original, last), best, len(iterates))


def _record(outcome: _Outcome) -> dict[str, Any]:
    return {
        "layers": outcome.part.layers,
        "ratio": outcome.part.ratio,
        "iterations": outcome.iterations,
        "losses": outcome.losses,
    }
