"""Which files a command reads and writes, settled before any work begins. Imports no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from imgxlate.errors import ImageError, OutputError, UsageError
from imgxlate.images.formats import IMAGE_SUFFIXES, OUTPUT_FORMATS

STDIO = "-"


class Existing(Enum):
    """What to do about outputs that already exist."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Source:
    """One image to read."""

    path: Path | None  # None: standard input
    folder: Path = Path()  # where it lies below the folder that was given; mirrored in the output

    @property
    def name(self) -> str:
        """As it is called in messages and in `--json`."""
        return STDIO if self.path is None else str(self.path)

    @property
    def stem(self) -> str:
        """The file's name without its suffix."""
        return "stdin" if self.path is None else self.path.stem


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


def expand(inputs: Sequence[str], output: str | None = None) -> list[Source]:
    """The images that INPUT... names: files as given, folders recursively in sorted order, `-` for standard input.

    A folder that the outputs go to is left out when it lies inside an input folder.

    Raises:
        UsageError: `-` is given twice.
        ImageError: a folder holds no image.
    """
    if list(inputs).count(STDIO) > 1:
        raise UsageError("standard input (-) can be read only once")
    skipped = Path(output).resolve() if output not in (None, STDIO) else None
    sources: list[Source] = []
    for name in inputs:
        if name == STDIO:
            sources.append(Source(None))
        elif Path(name).is_dir():
            sources.extend(_images_below(Path(name), skipped))
        else:
            sources.append(Source(Path(name)))
    return sources


def plan(sources: Sequence[Source], output: str | None, label: str, count: int, existing: Existing) -> list[Job]:
    """Give each source its `count` outputs, named `<stem>.<label>[.<nn>].png` unless `output` is a file.

    With `Existing.SKIP`, outputs that exist are left out, and so are jobs with nothing left to do.

    Raises:
        UsageError: several outputs for one file, or two sources that would write the same output.
        OutputError: an output exists and `existing` refuses that.
    """
    if output == STDIO or _is_file(output):
        jobs = [_single_output_job(sources, output, count)]
    else:
        folder = Path(output or ".")
        jobs = [Job(source, tuple(_targets(source, folder, label, count))) for source in sources]
    _refuse_collisions(jobs)
    if existing is Existing.SKIP:
        return list(filter(lambda job: job.targets, map(_without_existing, jobs)))
    refuse_existing([path for job in jobs for path in _paths(job)], existing)
    return jobs


def refuse_existing(paths: Sequence[Path], existing: Existing) -> None:
    """Refuse to write over any of `paths` unless that was asked for.

    Raises:
        OutputError: one exists.
    """
    taken = [path for path in paths if path.exists()]
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
        raise UsageError(
            f"{path}: cannot write {path.suffix or 'a file without a suffix'}",
            hint=f"Use one of {' '.join(OUTPUT_FORMATS)}.",
        )


def _images_below(folder: Path, skipped: Path | None) -> Iterator[Source]:
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
        and (skipped is None or skipped == folder.resolve() or skipped not in path.resolve().parents)
    ]
    if not found:
        raise ImageError(folder, "the folder holds no image", hint=f"Looked for {' '.join(sorted(IMAGE_SUFFIXES))}.")
    return (Source(path, path.parent.relative_to(folder)) for path in found)


def _is_file(output: str | None) -> bool:
    """Whether `output` names a file: no slash at its end, no folder of that name, and an image's suffix."""
    if output is None or output.endswith("/") or Path(output).is_dir():
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


def _targets(source: Source, folder: Path, label: str, count: int) -> Iterator[Target]:
    digits = max(2, len(str(count - 1)))
    for index in range(count):
        number = f".{index:0{digits}d}" if count > 1 else ""
        yield Target(index, folder / source.folder / f"{source.stem}.{label}{number}.png")


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    owner: dict[Path, Source] = {}
    for job in jobs:
        for path in _paths(job):
            first = owner.setdefault(path.absolute(), job.source)
            if first is not job.source:
                raise UsageError(
                    f"{first.name} and {job.source.name} would both be written to {path}",
                    hint="Translate them one at a time with different -o, or rename one.",
                )


def _without_existing(job: Job) -> Job:
    return replace(job, targets=tuple(t for t in job.targets if t.path is None or not t.path.exists()))


def _paths(job: Job) -> Iterator[Path]:
    return (target.path for target in job.targets if target.path is not None)
