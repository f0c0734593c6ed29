"""The options for films, which `imgxlate translate` and `imgxlate neural-style` have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgxlate.errors import UsageError
from imgxlate.images.formats import FILM_OUTPUTS, FILM_SUFFIXES
from imgxlate.images.inputs import Source
from imgxlate.images.outputs import names_folder
from imgxlate.methods import registry
from imgxlate.paths import is_folder, resolved
from imgxlate.torchrun import find_rank

if TYPE_CHECKING:
    from imgxlate.cli.options import Settings
    from imgxlate.video.film import FilmPlan

_PANEL = "Films"


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
        names_film = output is not None and Path(output).suffix.lower() in FILM_OUTPUTS and not names_folder(output)
        may_be_film = suffixes <= {".gif"}  # Folders have no suffix here.
        if self.film or suffixes & FILM_SUFFIXES or (names_film and may_be_film):
            return True
        for option in fields(self):
            if getattr(self, option.name) != option.default:
                flag = "no-sound" if option.name == "sound" else option.name.replace("_", "-")
                raise UsageError(f"--{flag} is for films, and {inputs[0]} is none", hint="Leave it out, or add --film.")
        return False

    def plan(
        self,
        inputs: list[str],
        output: str | None,
        label: str,
        mask: Path | None,
        settings: "Settings",
        besides: Sequence[Source] = (),
    ) -> "FilmPlan | None":
        """Check all that can be checked before the work. None: the output exists and is kept.

        `besides` are other files that the command reads.

        Raises:
            UsageError: an option or the output is invalid, or there are several inputs.
            ImageError: the film cannot be read.
            OutputError: the output exists, or cannot be written.
        """
        if len(inputs) > 1:
            raise UsageError("a command makes one film at a time", hint="Give one film, or one folder of frames.")
        if "-" in (inputs[0], output):
            raise UsageError("films are not read from or written to pipes", hint="Give files.")
        if find_rank().size > 1:
            raise UsageError("several processes cannot share a film", hint="Leave out torchrun, RANK and WORLD_SIZE.")
        source = Path(inputs[0])
        from imgxlate.video.film import plan_film

        return plan_film(
            source,
            output or f"{_stem(source)}.{label}{_suffix(source)}",
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
            labels=registry.labels(),
            besides=besides,
        )


def _stem(source: Path) -> str:
    """The first part of the name of the output of a film. A folder has no suffix: `shot.v2` is a name."""
    return resolved(source).name if is_folder(source) else source.stem


def _suffix(source: Path) -> str:
    """The suffix of the output of a film: that of the input if it can be written."""
    suffix = source.suffix.lower()
    return suffix if suffix in FILM_OUTPUTS else ".mp4"


def refuse_for_films(options: Mapping[str, object]) -> None:
    """Refuse options that have no effect on films; `options` holds their values by their flags.

    Raises:
        UsageError: one is given.
    """
    for flag, value in options.items():
        if value:
            raise UsageError(f"{flag} has no effect on a film", hint="Leave it out.")
