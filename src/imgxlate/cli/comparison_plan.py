"""What `imgxlate compare` is to do, settled before any work begins, and where it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from imgxlate.evaluate.entrants import Entry
from imgxlate.images.inputs import Source
from imgxlate.images.outputs import Job

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.device import Precision

Metrics = Literal["auto", "published", "vgg19", "none"]
Protocol = Literal["all", "munit"]


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a comparison goes."""

    root: Path

    @property
    def pictures(self) -> Path:
        """The folder of what the entrants make."""
        return self.root / "images"

    @property
    def stdin(self) -> Path:
        """Where an input is kept that comes through standard input, for every entrant and the report to read it."""
        return self.pictures / "stdin.png"

    @property
    def files(self) -> tuple[Path, Path, Path, Path]:
        """The grid, all numbers, the numbers of single pictures, and the report."""
        grid, numbers, table, report = (
            self.root / name for name in ("grid.png", "metrics.json", "metrics.csv", "report.html")
        )
        return grid, numbers, table, report


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to compare and how."""

    folder: Folder
    entries: Sequence[Entry]
    sources: Sequence[Source]
    jobs: Mapping[str, Sequence[Job]]  # what each entrant is to make, by its key
    style_images: "Mapping[Path, ImageArray]"
    targets: Sequence[Source] | None  # real images of the domain that is translated to
    to: str | None
    size: int | None  # shorter side of the inputs
    n_styles: int
    protocol: Protocol
    metrics: Metrics
    rows: int  # inputs to show
    device: str
    precision: "Precision"
    seed: int
    offline: bool

    def with_stdin_as_file(self) -> Self:
        """The same with the file that standard input is kept in for an input."""
        stdin, kept = Source(None), Source(self.folder.stdin)
        sources = [kept if source == stdin else source for source in self.sources]
        jobs = {
            key: [replace(job, source=source) for job, source in zip(jobs, sources, strict=True)]
            for key, jobs in self.jobs.items()
        }
        return replace(self, sources=sources, jobs=jobs)
