"""Naming the output files of a command, and checking that they can be written, before any work begins."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from imgxlate.errors import OutputError, UsageError
from imgxlate.images.formats import IMAGE_SUFFIXES, OUTPUT_FORMATS
from imgxlate.images.inputs import STDIO, Source


class Existing(Enum):
    """What to do about outputs that already exist."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Target:
    """One output of a source: the `index`-th, counted from 0, and where it goes."""

    index: int
    path: Path | None  # None: standard output

    @property
    def name(self) -> str:
        """As it is called in `--json`."""
        return STDIO if self.path is None else str(self.path)


@dataclass(frozen=True, slots=True)
class Job:
    """One image to read and the outputs to make of it."""

    source: Source
    targets: tuple[Target, ...]


def plan_jobs(
    sources: Sequence[Source],
    output: str | None,
    label: str,
    count: int,
    existing: Existing,
    extras: Sequence[Path] = (),
    share: slice = slice(None),
    besides: Sequence[Source] = (),
) -> list[Job]:
    """Give each source its `count` outputs, named `<stem>.<label>[.<nn>].png` unless `output` is a file.

    `extras` are other files that the command writes, and `besides` other images that it reads. Where several processes
    share the work, `share` is which of the jobs are this one's; what exists of the others' outputs does not matter.
    With `Existing.SKIP`, outputs that exist are left out, and so are jobs with nothing left to do.

    Raises:
        UsageError: several outputs for one file, or two things that would be written to one place, or over an input.
        OutputError: an output exists and `existing` refuses that, or cannot be written where it is to go.
    """
    if output == STDIO or names_file(output):
        jobs = [_single_output_job(sources, output, count)]
    else:
        jobs = _jobs(sources, Path(output or "."), label, count)
    _refuse_collisions([*jobs, *(Job(source, ()) for source in besides)], extras)
    jobs = jobs[share]
    paths = [*extras, *(path for job in jobs for path in _paths(job))]
    _require_room(paths)
    if existing is Existing.SKIP:
        return [job for job in map(_without_existing, jobs) if job.targets]
    refuse_existing(paths, existing)
    return jobs


def single_path(output: str | None, name: str) -> Path | None:
    """Where the one picture that a command writes goes: `output`, or `name` in it where it is a folder.

    None is standard output.

    Raises:
        UsageError: pictures cannot be written in the format that `output` asks for.
    """
    if output == STDIO:
        return None
    if not names_file(output):
        return Path(output or ".") / name
    require_output_format(Path(str(output)))
    return Path(str(output))


def require_places(paths: Sequence[Path], sources: Sequence[Source], existing: Existing) -> None:
    """Check that what is made of all `sources` together can go to `paths`.

    Raises:
        UsageError: two of them, or one of them and an input, are the same file.
        OutputError: one exists and `existing` refuses that, or cannot be written where it is to go.
    """
    _refuse_collisions([Job(source, ()) for source in sources], paths)
    _require_room(paths)
    refuse_existing(paths, existing)


def refuse_existing(paths: Sequence[Path], existing: Existing) -> None:
    """Refuse to write over any of `paths` unless that was asked for.

    Raises:
        OutputError: one exists.
    """
    taken = [path for path in paths if os.path.lexists(path)]
    if taken and existing is Existing.REFUSE:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise OutputError(
            f"{taken[0]}{more} already exists", hint="Add --overwrite to replace it, or --skip-existing to keep it."
        )


def require_output_format(path: Path) -> None:
    """Check that pictures can be written in the format that the suffix of `path` names.

    Raises:
        UsageError: they cannot.
    """
    if path.suffix.lower() not in OUTPUT_FORMATS:
        what = path.suffix or "a file without a suffix"
        raise UsageError(f"{path}: cannot write {what}", hint=f"Use one of {' '.join(OUTPUT_FORMATS)}.")


def names_file(output: str | None) -> bool:
    """Whether `output` names a file: no slash at its end, no folder of that name, and an image's suffix."""
    if output is None or output.endswith("/") or os.path.isdir(output):  # noqa: PTH112
        return False
    return Path(output).suffix.lower() in IMAGE_SUFFIXES


def _single_output_job(sources: Sequence[Source], output: str | None, count: int) -> Job:
    if len(sources) * count != 1:
        place = "standard output" if output == STDIO else f"the file {output}"
        raise UsageError(
            f"{len(sources) * count} outputs cannot go to {place}",
            hint="Give a folder: `-o outputs/` (made if missing).",
        )
    if output != STDIO:
        require_output_format(Path(str(output)))
    return Job(sources[0], (Target(0, None if output == STDIO else Path(str(output))),))


def _jobs(sources: Sequence[Source], folder: Path, label: str, count: int) -> list[Job]:
    """A job for each source; sources whose names differ by their suffix only keep it in the names of their outputs."""
    namesakes = Counter((source.folder, source.stem) for source in sources)
    jobs = []
    for source in sources:
        unique = namesakes[source.folder, source.stem] == 1 or source.path is None
        stem = source.stem if unique else Path(source.name).name
        jobs.append(Job(source, tuple(_targets(folder / source.folder, f"{stem}.{label}", count))))
    return jobs


def _targets(folder: Path, name: str, count: int) -> Iterator[Target]:
    digits = max(2, len(str(count - 1)))
    for index in range(count):
        yield Target(index, folder / (f"{name}.{index:0{digits}d}.png" if count > 1 else f"{name}.png"))


def _refuse_collisions(jobs: Sequence[Job], extras: Sequence[Path]) -> None:
    owners = {job.source.path.resolve(): f"the input {job.source.name}" for job in jobs if job.source.path}
    written = [(path, f"the output of {job.source.name}") for job in jobs for path in _paths(job)]
    written += [(path, f"{path}") for path in extras]
    for path, what in written:
        place = path.resolve()
        if place in owners:
            raise UsageError(
                f"{owners[place]} and {what} would be the same file, {path}", hint="Give one another name."
            )
        owners[place] = what


def _require_room(paths: Sequence[Path]) -> None:
    """Check that files can be written to `paths`, but for those that are there.

    Raises:
        OutputError: one cannot.
    """
    for folder in {path.parent for path in paths}:
        _require_writable(folder)
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112
            raise OutputError(f"{path} cannot be written: it is a folder", hint="Give another -o.")


def _require_writable(folder: Path) -> None:
    """Check that `folder` is one that can be written, or can be made.

    Raises:
        OutputError: it is not.
    """
    place = folder.absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise OutputError(f"{place} is no folder", hint="Give another -o.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise OutputError(f"the folder {place} cannot be written", hint="Give another -o.")


def _without_existing(job: Job) -> Job:
    return replace(job, targets=tuple(t for t in job.targets if t.path is None or not t.path.exists()))


def _paths(job: Job) -> Iterator[Path]:
    return (target.path for target in job.targets if target.path is not None)
