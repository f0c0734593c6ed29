"""Naming the output files of a command, and checking that they can be written, before any work begins."""

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Literal

from imgxlate.errors import OutputError, UsageError
from imgxlate.images.formats import (
    ARRAY_SUFFIXES,
    FILM_SUFFIXES,
    IMAGE_SUFFIXES,
    OUTPUT_FORMATS,
    SIXTEEN_BIT_SUFFIXES,
    UNREAD_SUFFIXES,
)
from imgxlate.images.inputs import STDIO, Source
from imgxlate.images.names import SAME, Naming
from imgxlate.paths import exists, is_folder, resolved

_MISTYPED = 0.8  # how similar a suffix is to a real one: .jpgg is, and .tmp is not
_DEFAULT_NAMES = Naming()
_KEEP_OR_REPLACE = "Add --overwrite to replace it, or --skip-existing to keep it."
_WITHOUT_ITS_OUTPUT = "The image that it belongs to is missing. Move it away, or add --overwrite to replace it."


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
        """The name in `--json`."""
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
    naming: Naming = _DEFAULT_NAMES,
    suffix: Callable[[Source], str] | None = None,  # of the outputs of a source; None: they are PNG files
    *,
    may_be_array: bool = False,  # whether `output` may be a file of numpy
    beside: Callable[[Path], Path | None] | None = None,  # the file that belongs to an output, if it has one
) -> list[Job]:
    """Give each source `count` outputs, named `<stem>.<label>[.<nn>].png` or as `naming` says, or `output` if a file.

    `extras` are other files that the command writes, and `besides` other images that it reads. If several processes
    share the work, `share` selects the jobs of this process. Existing outputs of the other processes do not matter.
    `Existing.SKIP` leaves out outputs that exist, and jobs without any other output.

    Raises:
        UsageError: several outputs would be written to one file, or one over an input.
        OutputError: an output exists and `existing` refuses that, or its folder cannot be written. With
            `Existing.SKIP`: the file that belongs to a missing output exists.
    """
    if output == STDIO or names_file(output):
        _require_no_naming(naming, output)
        jobs = [_single_output_job(sources, output, count, may_be_array=may_be_array)]
    else:
        jobs = _jobs(sources, Path(output or "."), label, count, naming, suffix)
    _refuse_collisions([*jobs, *(Job(source, ()) for source in besides)], [*extras, *_beside(jobs, beside)])
    jobs = jobs[share]
    paths = [*extras, *(path for job in jobs for path in _paths(job)), *_beside(jobs, beside)]
    _require_writable(paths)
    if existing is Existing.SKIP:
        jobs = [job for job in map(_without_existing, jobs) if job.targets]
        refuse_existing(_beside(jobs, beside), Existing.REFUSE, _WITHOUT_ITS_OUTPUT)
        return jobs
    refuse_existing(paths, existing)
    return jobs


def single_path(output: str | None, name: str) -> Path | None:
    """The path of a command's only output: `output`, or `name` in `output` if that is a folder. None: standard output.

    Raises:
        UsageError: images cannot be written in the format of `output`.
    """
    if output == STDIO:
        return None
    if not names_file(output):
        return Path(output or ".") / name
    require_output_format(Path(str(output)))
    return Path(str(output))


def require_writable(paths: Sequence[Path], sources: Sequence[Source], existing: Existing) -> None:
    """Check that outputs made from all `sources` together can be written to `paths`.

    Raises:
        UsageError: two of the paths, or a path and an input, are the same file.
        OutputError: a path exists and `existing` refuses that, or its folder cannot be written.
    """
    _refuse_collisions([Job(source, ()) for source in sources], paths)
    _require_writable(paths)
    refuse_existing(paths, existing)


def refuse_existing(paths: Sequence[Path], existing: Existing, hint: str = _KEEP_OR_REPLACE) -> None:
    """Check that none of `paths` exists, unless `existing` allows it. A link to nothing exists.

    Raises:
        OutputError: a path exists.
    """
    taken = [path for path in paths if os.path.lexists(path)]
    if taken and existing is Existing.REFUSE:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise OutputError(f"{taken[0]}{more} already exists", hint=hint)


def require_output_format(path: Path) -> None:
    """Check that images can be written in the format of the suffix of `path`.

    Raises:
        UsageError: the format cannot be written.
    """
    if path.suffix.lower() not in OUTPUT_FORMATS:
        kind = path.suffix or "a file without a suffix"
        raise UsageError(
            f"{path}: cannot write {kind}",
            hint=f"Use one of {' '.join(OUTPUT_FORMATS)}. A folder of that name ends in a slash: `{path}/`.",
        )


def require_depth(depth: Literal["8", "16"], output: str | None, suffix: str = ".png") -> Literal[8, 16]:
    """The bits per channel of outputs in `output`, a file, or a folder of files with that suffix.

    Raises:
        UsageError: the format does not hold 16 bits.
    """
    if depth == "8":
        return 8
    kind = Path(str(output)).suffix if names_file(output) else suffix
    if kind == SAME:
        raise UsageError("--depth 16 and --format same exclude each other", hint="Type `--format png`, or tif.")
    if kind.lower() not in SIXTEEN_BIT_SUFFIXES:
        raise UsageError(
            f"{output or 'outputs'}: --depth 16 cannot write {kind}, which holds 8 bits per channel",
            hint=f"Use one of {' '.join(SIXTEEN_BIT_SUFFIXES)}.",
        )
    return 16


def names_file(output: str | None) -> bool:
    """Whether `output` is a file: it has an image suffix, does not end with a slash, and is not an existing folder.

    So are names with the suffix of an image, drawing or film that cannot be written, and with a suffix mistyped.
    """
    if output is None or output.endswith("/") or is_folder(output):
        return False
    suffix = Path(output).suffix.lower()
    known = {*IMAGE_SUFFIXES, *ARRAY_SUFFIXES, *UNREAD_SUFFIXES, *FILM_SUFFIXES}
    return suffix in known or bool(difflib.get_close_matches(suffix, OUTPUT_FORMATS, 1, _MISTYPED))


def names_folder(output: str) -> bool:
    """Whether a film goes to the folder `output`: it ends with a slash, has no suffix, or is an existing folder."""
    return output.endswith(("/", os.sep)) or is_folder(output) or not Path(output).suffix


def _single_output_job(sources: Sequence[Source], output: str | None, count: int, *, may_be_array: bool) -> Job:
    if len(sources) * count != 1:
        target = "standard output" if output == STDIO else f"the file {output}"
        raise UsageError(
            f"{len(sources) * count} outputs cannot go to {target}",
            hint="Give a folder: `-o outputs/` (made if missing).",
        )
    is_array = may_be_array and Path(str(output)).suffix.lower() in ARRAY_SUFFIXES
    if output != STDIO and not is_array:
        require_output_format(Path(str(output)))
    return Job(sources[0], (Target(0, None if output == STDIO else Path(str(output))),))


def _require_no_naming(naming: Naming, output: str | None) -> None:
    if naming != _DEFAULT_NAMES:
        raise UsageError(
            f"--format and --name-template name the files of a folder, not -o {output}",
            hint="Give a folder, `-o outputs/`, or a file with the suffix of the format.",
        )


def _jobs(
    sources: Sequence[Source],
    folder: Path,
    label: str,
    count: int,
    naming: Naming,
    suffix: Callable[[Source], str] | None,
) -> list[Job]:
    """A job for each source. If the names of two sources differ only in the suffix, their outputs keep the suffix."""
    namesakes = Counter((source.folder, source.stem) for source in sources)
    jobs = []
    for source in sources:
        unique = namesakes[source.folder, source.stem] == 1 or source.path is None
        stem = source.stem if unique else Path(source.name).name
        own = replace(naming, suffix=suffix(source)) if suffix else naming
        names = own.names(stem, label, count, source.path.suffix if source.path else ".png")
        targets = tuple(Target(index, folder / source.folder / name) for index, name in enumerate(names))
        jobs.append(Job(source, targets))
    return jobs


def _refuse_collisions(jobs: Sequence[Job], extras: Sequence[Path]) -> None:
    owners = {resolved(job.source.path): f"the input {job.source.name}" for job in jobs if job.source.path}
    written = [(path, f"the output of {job.source.name}") for job in jobs for path in _paths(job)]
    written += [(path, f"{path}") for path in extras]
    for path, owner in written:
        real = resolved(path)
        if real in owners:
            raise UsageError(
                f"{owners[real]} and {owner} would be the same file, {path}",
                hint="Rename one of them, give their folder, whose subfolders are kept, or use another -o.",
            )
        owners[real] = owner


def _require_writable(paths: Sequence[Path]) -> None:
    """Check that files can be written to `paths`. Files that exist do not matter.

    Raises:
        OutputError: a folder cannot be written, or a path is a folder.
    """
    for folder in {path.parent for path in paths}:
        _require_writable_folder(folder)
    for path in paths:
        if is_folder(path):
            raise OutputError(f"{path} cannot be written: it is a folder", hint="Give another -o.")


def _require_writable_folder(folder: Path) -> None:
    """Check that `folder` can be written, or can be created in its nearest existing parent.

    Raises:
        OutputError: the folder or its parent is a file, or cannot be written.
    """
    existing = folder.absolute()
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    if not is_folder(existing):
        raise OutputError(f"{existing} is not a folder", hint="Give another -o.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"the folder {existing} cannot be written", hint="Give another -o.")


def _without_existing(job: Job) -> Job:
    return replace(job, targets=tuple(t for t in job.targets if t.path is None or not exists(t.path)))


def _beside(jobs: Sequence[Job], beside: Callable[[Path], Path | None] | None) -> list[Path]:
    """The files that belong to the outputs of the jobs."""
    paths = (path for job in jobs for path in _paths(job))
    return [found for path in paths if (found := beside(path))] if beside else []


def _paths(job: Job) -> Iterator[Path]:
    return (target.path for target in job.targets if target.path is not None)
