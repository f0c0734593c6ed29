"""The way of a film: read frames, process each one, write them in segments, join the segments."""

import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgxlate import __version__, atomic, paths
from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import ImageError, OutputError, UsageError
from imgxlate.images import missing
from imgxlate.images.formats import FILM_OUTPUTS
from imgxlate.images.inputs import Source
from imgxlate.images.limits import DEFAULT, SIXTEEN_BITS, TWELVE_BITS, Limits
from imgxlate.images.outputs import Existing, names_folder, require_writable
from imgxlate.images.sizes import Size
from imgxlate.video.codecs import Encoding
from imgxlate.video.frame_folders import FolderFilm, FolderWriter, numbered_images
from imgxlate.video.frames import Film, Frame, Selection, parse_rate, parse_time
from imgxlate.video.processor import FrameProcessor
from imgxlate.video.reader import VideoFilm
from imgxlate.video.segments import Segment, Segments, remove_segments
from imgxlate.video.sound import Sound
from imgxlate.video.writer import GifWriter, VideoWriter

if TYPE_CHECKING:
    from imgxlate.video.masks import FilmMask

Writer = VideoWriter | GifWriter | FolderWriter
OnFrame = Callable[[int, int | None], None]
"""Called with the number of finished frames and about how many there are, or None if that is unknown."""

DEFAULT_RATE = Fraction(25)  # frames per second, of a folder


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """A film to make. All that can be checked before the work has been checked."""

    source: Path
    output: Path
    film: Film
    selection: Selection
    writer: Writer
    mask: Path | None
    limits: Limits
    anew: bool  # whether to drop what another command began
    facts: Mapping[str, Any]  # how the film is made, but for the processor and the end of the selection


@dataclass(frozen=True, slots=True)
class FilmResult:
    """A film that was made."""

    output: Path
    size: Size  # of a frame
    frames: int


def plan_film(
    source: Path,
    output: str | os.PathLike[str],  # a folder, if it ends with a slash or has no suffix
    *,
    start: float | str | None = None,  # seconds, or a text such as "1:30"
    end: float | str | None = None,
    every: int = 1,
    codec: str | None = None,  # a name of `CODECS`; None: the usual one of the output's format
    quality: int | None = None,  # from 0 to 100
    frame_rate: float | str | None = None,  # frames per second of a folder; None: 25
    sound: bool = True,  # copy the sound
    mask: str | os.PathLike[str] | None = None,  # an image, a folder or a film
    existing: Existing = Existing.REFUSE,
    limits: Limits = DEFAULT,
    labels: Collection[str] = (),  # in the names of results, which are no frames of a folder
    besides: Sequence[Source] = (),  # other files that are read, such as style images
) -> FilmPlan | None:
    """Open a film, and check that the output can be written. None: the output exists and is kept.

    Raises:
        ImageError: the film cannot be read.
        UsageError: the output cannot hold the film, or an option has no effect on it.
        OutputError: the output exists, or cannot be written.
    """
    selection = Selection(parse_time(start), parse_time(end), every)
    rate = parse_rate(frame_rate)
    masks = None if mask is None else Path(mask)
    for read in (source, *([masks] if masks else [])):
        if not paths.exists(read):
            reason, hint = missing.explain(str(read))
            raise ImageError(read, reason, hint=hint)
    is_folder, output = names_folder(os.fspath(output)), Path(output)
    if _is_kept(output, existing, is_folder=is_folder):
        return None
    inputs = [*_files(source, labels), *(_files(masks) if masks else [])]
    _require_output(source, output, existing, [*map(Source, inputs), *besides], is_folder=is_folder)
    if rate is not None and not paths.is_folder(source):
        raise UsageError(f"--frame-rate is for folders of frames, and {source} has times of its own")
    if paths.is_folder(source):
        film: Film = FolderFilm(source, rate or DEFAULT_RATE, limits, labels)
    else:
        film = VideoFilm(source, limits)
    writer = _writer(film, output, selection, codec, quality, sound=sound, is_folder=is_folder)
    _require_frames(source, film, selection)
    facts = {
        "imgxlate": __version__,
        "pyav": metadata.version("av"),
        "source": _identity(source, labels),
        "mask": _identity(masks) if masks else None,
        "frames": [str(selection.start), selection.every, str(rate), limits.white],
        "output": [output.suffix.lower(), codec, quality, sound],
    }
    return FilmPlan(source, output, film, selection, writer, masks, limits, existing is Existing.OVERWRITE, facts)


def make_film(
    plan: FilmPlan,
    processor: FrameProcessor,
    facts: Mapping[str, Any],  # that determine what the processor does
    *,
    segment: int,  # frames of a segment, which are lost at most if the work is interrupted
    on_frame: OnFrame = ignore,
    notify: Notify = ignore,
) -> FilmResult:
    """Make the film. If an earlier process was interrupted, go on with the first segment that is missing.

    Raises:
        ImageError: the film or a mask is damaged.
        OutputError: the output cannot be written, or another command began it.
    """
    facts = {**plan.facts, **facts, "segment": segment}
    until = plan.selection.end
    with Segments.opened(plan.output, plan.writer.suffix, facts, segment, until, anew=plan.anew) as segments:
        if segments.finished:
            processor.load_state(segments.state())
            notify(f"going on after {segments.frames} frames, which an earlier command has finished")
        _note_losses(plan, notify)
        total = plan.selection.count(plan.film.info)
        mask = _open_mask(plan.mask, plan) if plan.mask else None
        frames = itertools.islice(plan.selection.of(plan.film.frames()), segments.frames, None)
        for first in frames:
            batch = itertools.chain([first], itertools.islice(frames, segment - 1))
            counted = _counted(batch, segments.frames, total, on_frame)
            finished = _make_segment(plan.writer, segments.next_path(), counted, processor, mask, until)
            segments.add(finished, processor.state())
        if not segments.finished:
            raise UsageError(f"{plan.source} has no frame in this part", hint="Change --start and --end.")
        on_frame(segments.frames, segments.frames)
        first_segment = segments.finished[0]
        zero = first_segment.start if plan.selection.start else Fraction(0)
        plan.writer.join(segments.finished, plan.output, zero)
    return FilmResult(plan.output, first_segment.size, segments.frames)


def _note_losses(plan: FilmPlan, notify: Notify) -> None:
    """Say what of the input is not in the output, and that a value of white was found."""
    if plan.film.info.bits > 8:
        notify(f"{plan.source} has {plan.film.info.bits} bits for each channel, and its frames are processed with 8")
    if isinstance(plan.film, FolderFilm) and plan.film.white == TWELVE_BITS != plan.limits.white:
        notify(
            f"{plan.source}: no sampled frame has a value above {TWELVE_BITS} of {SIXTEEN_BITS}, so white is "
            f"{TWELVE_BITS} in all frames, as for 12 bits stored in 16. `--white {SIXTEEN_BITS}` keeps the film dark"
        )
    if isinstance(plan.film, FolderFilm) and plan.film.results:
        first, *others = plan.film.results
        more = f" and {len(others)} more" if others else ""
        notify(f"{plan.source}: left out results of earlier commands: {first.name}{more}")


def _open_mask(path: Path, plan: FilmPlan) -> "FilmMask":
    """The mask, which is checked before the first frame as far as it can be.

    Raises:
        ImageError: it cannot be read or has other proportions than the film, or a folder has too few masks.
    """
    from imgxlate.video.masks import FilmMask  # Imported late: it needs torch, and a film without masks does not.

    mask = FilmMask(path, plan.limits)
    mask.require_proportions(plan.film.info.size)
    mask.require_frames(plan.film, plan.selection)
    return mask


def _counted(frames: Iterator[Frame], done: int, total: int | None, on_frame: OnFrame) -> Iterator[Frame]:
    for count, frame in enumerate(frames, done):
        on_frame(count, total)
        yield frame


def _make_segment(
    writer: Writer,
    path: Path,
    frames: Iterator[Frame],
    processor: FrameProcessor,
    mask: "FilmMask | None",
    until: Fraction | None,
) -> Segment:
    """Process frames, at least one, and write them to `path`. The selection ends before `until`."""
    count, start = 0, None
    with writer.segment(path) as add:
        for frame in frames:
            before = frame.decode()
            after = processor.process(before)
            add(mask.apply(frame, before, after) if mask else after, frame.time)
            start = frame.time if start is None else start
            count += 1
    size, end = (after.shape[0], after.shape[1]), frame.time + frame.duration
    return Segment(path, count, size, start or Fraction(0), frame.time, end, until)


def _is_kept(output: Path, existing: Existing, *, is_folder: bool) -> bool:
    """Whether the output exists and stays. If so, what is left of the work on it is removed."""
    is_there = _holds_files(output) if is_folder else paths.exists(output)
    if existing is not Existing.SKIP or not is_there:
        return False
    remove_segments(output)
    return True


def _holds_files(folder: Path) -> bool:
    """Whether a folder exists and is not empty.

    Raises:
        OutputError: it cannot be read.
    """
    try:
        return paths.is_folder(folder) and any(folder.iterdir())
    except OSError as error:
        raise atomic.cannot_write(folder, error) from error


def _require_output(
    source: Path, output: Path, existing: Existing, inputs: Sequence[Source], *, is_folder: bool
) -> None:
    """Check that the output can be written, and is neither an input nor there already.

    Raises:
        UsageError: it is one of the `inputs`, or has a suffix that is not written.
        OutputError: it exists, or its folder cannot be written.
    """
    if is_folder:
        if paths.resolved(output) == paths.resolved(source):
            raise UsageError(f"{output} is the input", hint="Give another -o.")
        if os.path.lexists(output) and (not paths.is_folder(output) or _holds_files(output)):
            example = output / f"{paths.resolved(source).stem}.mp4"
            raise OutputError(
                f"{output}: exists and is not an empty folder",
                hint=f"Give a new folder for the frames, or the name of a film: `-o {example}`.",
            )
        return None
    if output.suffix.lower() not in FILM_OUTPUTS:
        raise UsageError(
            f"{output}: cannot write a film as {output.suffix}",
            hint=f"Use one of {' '.join(FILM_OUTPUTS)}, or a folder for frames, with a slash: `{output}/`.",
        )
    return require_writable([output], inputs, existing)


def _writer(
    film: Film,
    output: Path,
    selection: Selection,
    codec: str | None,
    quality: int | None,
    *,
    sound: bool,
    is_folder: bool,
) -> Writer:
    """The writer for an output of that name.

    Raises:
        UsageError: the output cannot hold the codec or the sound, or has no codec.
    """
    if is_folder or output.suffix.lower() == ".gif":
        if codec is not None or quality is not None:
            raise UsageError("--codec and --quality are for .mp4, .mov and .webm files", hint="Leave them out.")
        return FolderWriter() if is_folder else GifWriter(film.info)
    encoding = Encoding.of(output, codec, quality)
    if not (sound and film.info.sounds and isinstance(film, VideoFilm)):
        return VideoWriter(film.info, encoding)
    track = Sound(film, selection)
    track.require_in(output)
    return VideoWriter(film.info, encoding, track)


def _require_frames(source: Path, film: Film, selection: Selection) -> None:
    """Check that `--start` is within the film.

    Raises:
        UsageError: it is after the end.
    """
    start, seconds = selection.start, film.info.seconds
    if start is not None and seconds is not None and start >= seconds:
        raise UsageError(f"--start {float(start):g} is after the end of {source}, at {float(seconds):.2f} seconds")


def _files(path: Path, labels: Collection[str] = ()) -> list[Path]:
    """The frames of a folder, or the file."""
    return numbered_images(path, labels)[0] if paths.is_folder(path) else [path]


def _identity(path: Path, labels: Collection[str] = ()) -> list[Any]:
    """What tells a file or a folder of files from an older or a newer one of the same name."""
    stats = [(file, file.stat()) for file in _files(path, labels)]
    return [str(paths.resolved(path)), [[file.name, stat.st_size, stat.st_mtime_ns] for file, stat in stats]]
