"""Makes the films of `imgxlate translate` and `imgxlate neural-style`."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from imgxlate.cli.files import read_image
from imgxlate.cli.film_options import FilmOptions
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar, duration_in_words, is_live
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.paths import exists

if TYPE_CHECKING:
    import torch

    from imgxlate.cli.options import Settings
    from imgxlate.inference.fast_style import FastStyleTransfer
    from imgxlate.inference.model import Model
    from imgxlate.inference.style_source import StyleSource
    from imgxlate.inference.stylization import Iteration, StyleTransfer
    from imgxlate.video.film import FilmPlan, FilmResult

_KEPT = "nothing to do: the output exists already"


def translate_film(
    out: Output,
    options: FilmOptions,
    plan: "FilmPlan | None",
    load: "Callable[[], Model]",
    styles: "StyleSource",
    settings: "Settings",
    to: str | None,
    *,
    size: int | None,
    work_size: int | None,
    strength: float,
) -> None:
    """Translate a film and report it. Without a plan, the output exists and is kept.

    Raises:
        ImgxlateError: as `translate_film`.
    """
    if styles.count > 1:
        raise UsageError(f"a film has one style, and {styles.count} are given", hint="Give one style image or code.")
    if plan is None:
        return out.note(_KEPT)
    model = load()
    _fix_threads(out, options, plan, settings, model.device, model.average_products(_pixels(plan)))
    domain = model.target(to)
    codes = styles.codes(model, to=to, size=size, work_size=work_size, seed=settings.seed)
    from imgxlate.inference import film

    with _shown(out, plan, model.method) as progress:
        result = film.translate_film(
            model,
            plan,
            to=domain,
            code=codes.codes[0] if codes else None,
            size=size,
            work_size=work_size,
            strength=strength,
            frame_by_frame=options.frame_by_frame,
            on_frame=progress.show,
            notify=out.note,
        )
    facts = {"method": model.method, "model": model.name, "to": model.name_of(domain)}
    return _report(out, plan, {**facts, "style": 0 if codes else None, "seed": settings.seed}, result, progress)


def stylize_film(
    out: Output,
    options: FilmOptions,
    plan: "FilmPlan | None",
    load: "Callable[[], StyleTransfer]",
    styles: "Sequence[Source]",
    settings: "Settings",
    preset: str,
) -> None:
    """Paint a film and report it. Without a plan, the output exists and is kept.

    Raises:
        ImgxlateError: as `stylize_film`.
    """
    if plan is None:
        return out.note(_KEPT)
    images = [read_image(out, style, settings.limits) for style in styles]
    transfer = load()
    _fix_threads(out, options, plan, settings, transfer.device, None)
    from imgxlate.inference import film

    with _shown(out, plan, transfer.spec.label) as progress:
        result = film.stylize_film(
            transfer,
            plan,
            images,
            seed=settings.seed,
            frame_by_frame=options.frame_by_frame,
            on_frame=progress.show,
            on_iteration=progress.show_iteration,
            notify=out.note,
        )
    facts = {"method": transfer.spec.label, "preset": preset, "seed": settings.seed}
    return _report(out, plan, facts, result, progress)


def stylize_film_fast(
    out: Output,
    options: FilmOptions,
    plan: "FilmPlan | None",
    load: "Callable[[], FastStyleTransfer]",
    styles: "Sequence[Source]",
    settings: "Settings",
) -> None:
    """Paint each frame of a film in one pass, and report it. Without a plan, the output exists and is kept.

    Raises:
        ImgxlateError: as `stylize_film_fast`.
    """
    if plan is None:
        return out.note(_KEPT)
    images = [read_image(out, style, settings.limits) for style in styles]
    transfer = load()
    model = transfer.model
    _fix_threads(out, options, plan, settings, model.device, model.average_products(transfer.config.size**2))
    from imgxlate.inference import film

    with _shown(out, plan, model.method) as progress:
        result = film.stylize_film_fast(
            transfer,
            plan,
            images,
            frame_by_frame=options.frame_by_frame,
            on_frame=progress.show,
            notify=out.note,
        )
    facts = {"method": model.method, "model": model.name, "strength": transfer.config.strength}
    return _report(out, plan, {**facts, "seed": settings.seed}, result, progress)


class _Progress:
    """Shows how much of a film is done."""

    def __init__(self, out: Output, bar: Bar) -> None:
        self.started = time.perf_counter()
        self.done = 0
        self._total: int | None = None
        self._first = 0  # frames that were done before
        self._is_live = is_live(out)
        self._bar = bar

    def show(self, done: int, total: int | None) -> None:
        """Show that `done` of about `total` frames are done."""
        if self._total is None:
            self._first = done
        self.done, self._total = done, total
        self._bar.update(done, total, self._text(done))

    def show_iteration(self, state: "Iteration") -> None:
        """Show an iteration of a frame that is painted."""
        part = (state.scale - 1 + state.iteration / state.iterations) / state.scales
        self._bar.update(self.done + part, self._total, self._text(self.done + part))

    def _text(self, done: float) -> str:
        """How many frames are done, beside a bar that shows the time left; or the time left, in a log."""
        if self._is_live:
            return f"{done:.1f}".removesuffix(".0") + f" of {self._total or '?'} frames"
        if not self._total or done <= self._first:
            return ""
        seconds = (time.perf_counter() - self.started) / (done - self._first) * (self._total - done)
        return f"about {duration_in_words(seconds)} left"


@contextlib.contextmanager
def _shown(out: Output, plan: "FilmPlan", label: str) -> Iterator[_Progress]:
    """Show the progress within the block. If it is interrupted, say how to go on; after an error, what is kept."""
    with Bar(out, label, None, "frames").shown() as bar:
        progress = _Progress(out, bar)
        try:
            yield progress
        except (KeyboardInterrupt, SystemExit):
            out.note(_how_to_go_on(plan))
            raise
        except Exception:
            if progress.done:  # Otherwise, kept frames are those of another command.
                _note_kept(out, plan)
            raise


def _note_kept(out: Output, plan: "FilmPlan") -> None:
    """After an error, which has its own hint, say what is kept of an unfinished film, and where."""
    from imgxlate.video.segments import finished_frames, work_folder

    if frames := finished_frames(plan.output):
        folder = plan.output.parent / work_folder(plan.output).name
        out.note(f"{plan.output} is unfinished, and its first {frames} frames are kept, in the folder {folder}")


def _how_to_go_on(plan: "FilmPlan") -> str:
    """What is kept of an unfinished film, and what to type."""
    from imgxlate.video.segments import finished_frames

    frames = finished_frames(plan.output)
    if not frames:
        return f"{plan.output} is unfinished, and none of its frames are kept, because its first segment is unfinished."
    hint = "Type the same command again to go on."
    if plan.anew:
        hint = "To go on, type the same command without --overwrite."
        hint += f" Move {plan.output} away before." if exists(plan.output) else ""
    return f"{plan.output} is unfinished, and its first {frames} frames are kept. {hint}"


def _report(
    out: Output, plan: "FilmPlan", facts: Mapping[str, object], result: "FilmResult", progress: _Progress
) -> None:
    """Print the line of `--json`, or the name of the output."""
    height, width = result.size
    files = {"input": str(plan.source), "output": str(result.output)}
    seconds = round(time.perf_counter() - progress.started, 3)
    out.record({**files, **facts, "width": width, "height": height, "frames": result.frames, "seconds": seconds})
    if not out.as_json:
        out.note(str(result.output))


def _fix_threads(
    out: Output,
    options: FilmOptions,
    plan: "FilmPlan",
    settings: "Settings",
    device: "torch.device",
    products: float | None,
) -> None:
    """Compute all frames in the same number of threads, so that a film that is interrupted ends with the same bytes.

    Without `--threads`, it is that of the command that began the film.
    """
    import torch

    threads = settings.start_threads(device)
    if threads.fixed and not options.frame_by_frame:
        from imgxlate.video.flow import opencv

        opencv().setNumThreads(threads.fixed)
    if threads.fixed is None:
        threads.begin(products)  # It takes one thread for small frames.
        usual = torch.get_num_threads()
        threads.fix(_threads_before(plan) or usual)
        if threads.fixed != usual:
            out.note(f"computing in {threads.fixed} threads, as the command that began {plan.output}")


def _threads_before(plan: "FilmPlan") -> int | None:
    """The number of threads of an earlier command whose frames are kept; None: there is none, or it does not matter."""
    from imgxlate.video.segments import begun_with

    number: int | None = None if plan.anew else begun_with(plan.output).get("threads")
    return number


def _pixels(plan: "FilmPlan") -> int:
    height, width = plan.film.info.size
    return height * width
