"""Films in place of images, for `imgxlate translate` and `imgxlate neural-style`."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgxlate.cli.files import read_image
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar, duration, is_live
from imgxlate.errors import UsageError
from imgxlate.images.formats import FILM_OUTPUTS, FILM_SUFFIXES
from imgxlate.images.inputs import STDIO, Source
from imgxlate.paths import is_folder
from imgxlate.torchrun import find_rank

if TYPE_CHECKING:
    import torch

    from imgxlate.cli.options import Settings
    from imgxlate.inference.model import Model
    from imgxlate.inference.style_source import StyleSource
    from imgxlate.inference.stylization import Iteration, StyleTransfer
    from imgxlate.video.film import FilmPlan, FilmResult

_PANEL = "Films"
_KEPT = "nothing to do: the output exists already"


def _option(*names: str, text: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(*names, metavar=metavar, help=text, rich_help_panel=_PANEL, **more)


@dataclass(frozen=True, slots=True)
class FilmOptions:
    """Options for films, which are options of a command."""

    film: Annotated[
        bool,
        _option("--film", text="Take a folder of numbered frames, or an animated GIF, as a film."),
    ] = False
    codec: Annotated[
        Literal["h264", "h265", "vp9", "prores"] | None,
        _option(text="The video codec. Default: h264 in .mp4 and .mov files, vp9 in .webm files."),
    ] = None
    quality: Annotated[
        int | None, _option(text="Quality of the video, from 0 to 100. Default: 75.", metavar="N", min=0, max=100)
    ] = None
    start: Annotated[
        str | None, _option(text="Begin at this time of the film: 90.5, 1:30 or 0:01:30.", metavar="TIME")
    ] = None
    end: Annotated[str | None, _option(text="End before this time of the film.", metavar="TIME")] = None
    every: Annotated[int, _option(text="Take every N-th frame only. The film stays as long.", metavar="N", min=1)] = 1
    frame_rate: Annotated[
        str | None,
        _option(text="Frames per second of a folder of frames, such as 24 or 30000/1001. Default: 25.", metavar="RATE"),
    ] = None
    sound: Annotated[bool, _option("--sound/--no-sound", text="Copy the sound of the film.")] = True
    frame_by_frame: Annotated[
        bool, _option("--frame-by-frame", text="Make each frame independently of the others.")
    ] = False

    @classmethod
    def names(cls) -> list[str]:
        """The names of the options."""
        return [option.name for option in fields(cls)]

    def is_for(self, inputs: list[str], output: str | None) -> bool:
        """Whether the command makes a film: of a video file, or of a folder or a GIF if the options or `output` say so.

        Raises:
            UsageError: it makes none, and an option for films is given.
        """
        suffixes = {Path(name).suffix.lower() for name in inputs if not is_folder(name)}
        names_film = output is not None and Path(output).suffix.lower() in FILM_OUTPUTS and not is_folder(output)
        may_be_film = suffixes <= {".gif"}  # Folders have no suffix here.
        if self.film or suffixes & FILM_SUFFIXES or (names_film and may_be_film):
            return True
        for option in fields(self):
            if getattr(self, option.name) != option.default:
                flag = "no-sound" if option.name == "sound" else option.name.replace("_", "-")
                raise UsageError(f"--{flag} is for films, and {inputs[0]} is none", hint="Leave it out, or add --film.")
        return False

    def plan(
        self, inputs: list[str], output: str | None, label: str, mask: Path | None, settings: "Settings"
    ) -> "FilmPlan | None":
        """Check all that can be checked before the work. None: the output exists and is kept.

        Raises:
            UsageError: an option or the output is invalid, or there are several inputs.
            ImageError: the film cannot be read.
            OutputError: the output exists, or cannot be written.
        """
        if len(inputs) > 1:
            raise UsageError("a command makes one film at a time", hint="Give one film, or one folder of frames.")
        if STDIO in (inputs[0], output):
            raise UsageError("films are not read from or written to pipes", hint="Give files.")
        if find_rank().size > 1:
            raise UsageError("several processes cannot share a film", hint="Leave out torchrun, RANK and WORLD_SIZE.")
        source = Path(inputs[0])
        from imgxlate.video.film import plan_film

        return plan_film(
            source,
            Path(output) if output else Path(f"{source.stem}.{label}{_suffix(source)}"),
            start=self.start,
            end=self.end,
            every=self.every,
            codec=self.codec,
            quality=self.quality,
            frame_rate=self.frame_rate,
            sound=self.sound,
            mask=mask,
            existing=settings.existing,
            limits=settings.limits,
        )


def refuse_for_films(options: Mapping[str, object]) -> None:
    """Refuse options that have no effect on films; `options` holds their values by their flags.

    Raises:
        UsageError: one is given.
    """
    for flag, value in options.items():
        if value:
            raise UsageError(f"{flag} has no effect on a film", hint="Leave it out.")


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
    _fix_threads(settings, model.device, model.average_products(_pixels(plan)))
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
    _fix_threads(settings, transfer.device, None)
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
        return f"about {duration(seconds)} left"


@contextlib.contextmanager
def _shown(out: Output, plan: "FilmPlan", label: str) -> Iterator[_Progress]:
    """Show the progress within the block. If it is interrupted, say how to go on."""
    with Bar(out, label, None, "frames").shown() as bar:
        progress = _Progress(out, bar)
        try:
            yield progress
        except (KeyboardInterrupt, SystemExit):
            out.note(
                f"{plan.output} is unfinished, after {progress.done} frames. Type the same command again to go on."
            )
            raise


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


def _fix_threads(settings: "Settings", device: "torch.device", products: float | None) -> None:
    """Compute all frames in the same number of threads, so that a film that is interrupted ends with the same bytes."""
    import torch

    threads = settings.start_threads(device)
    if threads.fixed is None:
        threads.begin(products)  # It takes one thread for small frames.
        threads.fix(torch.get_num_threads())


def _pixels(plan: "FilmPlan") -> int:
    height, width = plan.film.info.size
    return height * width


def _suffix(source: Path) -> str:
    """The suffix of the output of a film: that of the input if it can be written."""
    suffix = source.suffix.lower()
    return suffix if suffix in FILM_OUTPUTS else ".mp4"
