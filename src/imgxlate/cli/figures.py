"""Figures of the paper from `neural-style`: the checks of its options, and the sheet and the record of each input."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from imgxlate.cli import runs
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.errors import UsageError
from imgxlate.images.outputs import Job, Target
from imgxlate.methods.spec import FigurePlan, FigureSpec, MethodConfig

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.figures import PaintedPart
    from imgxlate.methods.protocol import Stylizer


def figure_name(reconstruct: Literal["content", "style"] | None, sweep: bool) -> str | None:
    """The name of the figure to paint; None: the options name no figure.

    Raises:
        UsageError: the options name two figures.
    """
    if reconstruct and sweep:
        raise UsageError("--reconstruct and --sweep exclude each other")
    if sweep:
        return "sweep"
    return f"reconstruct-{reconstruct}" if reconstruct else None


def inputs_of(figure: FigureSpec | None, content: str, styles: list[str]) -> tuple[list[str], list[str]]:
    """The inputs, each of which gets an output, and the style images that go into every output.

    Raises:
        UsageError: style images are missing, or the figure takes none.
    """
    if figure and figure.style == "input":
        return styles or [content], []
    if figure and figure.style == "none" and styles:
        raise UsageError(f"--reconstruct content takes no style image: {styles[0]}", hint="Leave it out.")
    if not styles and not (figure and figure.style == "none"):
        raise UsageError(
            f"{'--sweep' if figure else 'neural-style'} needs a style image beside {content}",
            hint="Type `imgxlate neural-style CONTENT STYLE`, with options after it.",
        )
    return [content], styles


def require_fitting(
    figure: FigureSpec | None, *, given: Mapping[str, Any], save_every: int | None, sweep_ratios: str | None
) -> None:
    """Refuse options that would have no effect on the figure; `given` are those that set the configuration.

    Raises:
        UsageError: there is one.
    """
    if save_every and figure:
        raise UsageError("--save-every goes with a painting, not with --reconstruct or --sweep")
    if sweep_ratios is not None and not (figure and figure.ratios):
        raise UsageError("--sweep-ratios goes with --sweep")
    for key in sorted(figure.sets) if figure else ():
        if given.get(key) is not None:
            raise UsageError(
                f"--{key.replace('_', '-')} is set by the figure itself",
                hint="--sweep-ratios sets the weight of content against style." if figure and figure.ratios else None,
            )


def parse_ratios(figure: FigureSpec, text: str | None) -> tuple[float, ...]:
    """The ratios of a sweep, by default those of the figure.

    Raises:
        UsageError: `text` is no list of numbers.
    """
    try:
        return figure.ratios if text is None else tuple(map(float, text.split(",")))
    except ValueError as error:
        raise UsageError(f"--sweep-ratios {text}: no list of numbers", hint="Such as 1e-4,1e-3,1e-2.") from error


@dataclass(frozen=True, slots=True)
class FigurePainting:
    """Paints a figure of each input."""

    out: Output
    name: str
    figure: FigureSpec
    plan: FigurePlan
    load: "Callable[[MethodConfig], Stylizer]"
    styles: "Sequence[ImageArray]"  # for a figure whose style images are given
    init: "ImageArray | None"
    preset: str
    seed: int

    def run(self, job: Job) -> None:
        """Paint the figure of one input."""
        from imgxlate.inference.figures import lay_out_figure, paint_figure

        (target,) = job.targets
        original = runs.read_picture(job.source)
        started = time.perf_counter()
        with Bar(self.out, job.source.name, None, "iterations").shown() as bar:
            parts = paint_figure(
                self.figure,
                self.plan,
                self.load,
                original,
                styles=self.styles,
                init=self.init,
                seed=self.seed,
                on_iteration=bar.update,
            )
        name = job.source.path.name if job.source.path else job.source.stem
        sheet = lay_out_figure(self.figure, self.plan, name, original, [part.image for part in parts])
        runs.write_picture(self.out, sheet, target.path)
        self._report(job, target, sheet, parts, time.perf_counter() - started)

    def _report(
        self, job: Job, target: Target, sheet: "ImageArray", parts: "Sequence[PaintedPart]", seconds: float
    ) -> None:
        height, width = sheet.size
        self.out.record(
            {
                "input": job.source.name,
                "output": target.name,
                "method": "neural-style",
                "figure": self.name,
                "preset": self.preset,
                "seed": self.seed,
                "width": width,
                "height": height,
                "pictures": [
                    {**each.part.values, "iterations": each.iterations, "losses": dict(each.losses)} for each in parts
                ],
                "seconds": round(seconds, 3),
            }
        )
        if target.path is not None and not self.out.as_json:
            self.out.note(str(target.path))
