"""Translates the inputs of `imgxlate translate`, and draws the sheet of `--grid`."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from imgxlate.callbacks import ignore
from imgxlate.cli.files import read_for_model, require_size, write_image, write_values
from imgxlate.cli.masks import Masks
from imgxlate.cli.output import Output
from imgxlate.cli.progress import BandWatch
from imgxlate.cli.recording import Input, Recording
from imgxlate.cli.size_advice import SizeAdvice
from imgxlate.errors import ImgxlateError
from imgxlate.images.inputs import Source
from imgxlate.images.outputs import Job, Target
from imgxlate.images.sizes import at_most, shorter_side
from imgxlate.inference.style_codes import StyleCodes
from imgxlate.methods.spec import OTHER
from imgxlate.threads import AdaptiveThreads

if TYPE_CHECKING:
    from imgxlate.images.grids import SheetPlan
    from imgxlate.images.image_array import Depth, ImageArray
    from imgxlate.inference.model import Model
    from imgxlate.methods.spec import Domain


@dataclass(slots=True)
class Grid:
    """The sheet of `--grid`: a row for each input, with the input first."""

    path: Path
    plan: "SheetPlan"
    read: "Callable[[Path], ImageArray]"  # reads an output
    rows: "list[list[ImageArray | None]]" = field(default_factory=list)

    @classmethod
    def of(cls, out: Output, inputs: int, outputs: int, path: Path, read: "Callable[[Path], ImageArray]") -> Self:
        """A sheet for `inputs` with `outputs` each, small enough for memory and for the file's format."""
        from imgxlate.images.encode import longest_side
        from imgxlate.images.grids import CELL, plan_sheet

        plan = plan_sheet(inputs, 1 + outputs, longest_side=longest_side(path.suffix))
        if plan.cell < CELL:
            rest = "" if plan.rows == inputs else f" of the first {plan.rows} inputs"
            out.note(f"{path} shows images{rest} at {plan.cell} pixels, because there are {inputs}")
        return cls(path, plan, read)

    def add(self, image: "ImageArray", targets: Sequence[Target], computed: "Mapping[int, ImageArray]") -> None:
        """Add the row of an input. `computed` has thumbnails by number of the style; the others come from the files."""
        from imgxlate.images.grids import thumbnail

        if len(self.rows) < self.plan.rows:
            row = dict(computed)
            for target in targets:
                if target.index not in row and target.path:
                    row[target.index] = thumbnail(self.read(target.path), self.plan.cell)
            self.rows.append([thumbnail(image, self.plan.cell), *(row[target.index] for target in targets)])

    def write(self, out: Output, domain: str) -> None:
        """Write the sheet, unless every input failed."""
        from imgxlate.images.grids import contact_sheet

        if self.rows:
            headers = ["input", *(f"{domain} {index:02d}" for index in range(len(self.rows[0]) - 1))]
            sheet = contact_sheet(self.rows, column_headers=headers, leading_columns=1, cell=self.plan.cell)
            write_image(out, sheet, self.path)
            out.note(str(self.path))


@dataclass(frozen=True, slots=True)
class _Output:
    """A translated image, to be written."""

    source: Source
    given: Input
    target: Target
    image: "ImageArray"
    seconds: float  # of the translation


@dataclass(slots=True, kw_only=True)
class Translation:
    """The work on each input, and the rows of `--grid`."""

    out: Output
    model: "Model"
    codes: StyleCodes | None
    to: "Domain"
    size: int | None
    work_size: int | None
    strength: float  # how much of the style to take, from 0 to 1
    depth: "Depth"
    seed: int
    missing: Mapping[Source, Job]  # the outputs to write
    advice: SizeAdvice
    threads: AdaptiveThreads
    kept: Recording
    masks: Masks
    grid: "Grid | None" = None
    watch: BandWatch | None = None

    def read(self, job: Job) -> Input:
        """Read an input as the model takes it.

        Raises:
            ImageError: it cannot be read.
        """
        domains = self.to, OTHER[self.to]
        if all(self.model.format_of(domain).is_color for domain in domains):
            return self.kept.read(self.out, job.source, self.model.limits, self.depth)
        return Input(read_for_model(self.out, self.model, job.source, OTHER[self.to], self.depth))

    def compute(self, job: Job, given: Input) -> Iterator[_Output]:
        """Translate an input into its missing outputs, and add its row to the grid."""
        from imgxlate.images.grids import thumbnail

        image = given.image
        mask = self.masks.read(job.source) if job.source in self.missing else None
        self.advice.consider(job.source, image)
        row = {}
        for output in self._translate(job.source, given, mask):
            if self.grid:
                row[output.target.index] = thumbnail(output.image, self.grid.plan.cell)
            yield output
        if self.grid:
            self.grid.add(image, job.targets, row)

    def write(self, output: _Output) -> None:
        """Write an output and report it."""
        height, width = output.image.size
        style = None if self.codes is None else self.codes.codes[output.target.index]
        if self.model.format_of(self.to).is_color:
            self.kept.write(self.out, output.image, output.target.path, output.given, style=style)
        else:
            write_values(self.out, output.image, output.target.path)
        self.out.record(
            {
                "input": output.source.name,
                "output": output.target.name,
                "method": self.model.method,
                "model": self.model.name,
                "to": self.model.name_of(self.to),
                "style": None if self.codes is None else output.target.index,
                "seed": self.seed,
                "width": width,
                "height": height,
                "seconds": round(output.seconds, 3),
            }
        )
        if output.target.path is not None and not self.out.as_json:
            self.out.note(str(output.target.path))

    def _translate(self, source: Source, given: Input, mask: "ImageArray | None") -> Iterator[_Output]:
        if source not in self.missing:
            return
        import torch

        image = given.image
        targets = self.missing[source].targets
        codes = None if self.codes is None else torch.tensor([self.codes.codes[target.index] for target in targets])
        size = image.size if self.size is None else shorter_side(image.size, self.size)
        if self.model.format_of(self.to).is_color:
            require_size(targets, size)
        pixels = math.prod(at_most(size, self.work_size))
        on_band = self.watch.begin(source.name, pixels) if self.watch else ignore
        outputs = self.model.translate_array(
            image,
            self.to,
            codes,
            self.size,
            work_size=self.work_size,
            strength=self.strength,
            depth=self.depth,
            mask=mask,
            on_band=on_band,
        )
        products = self.model.average_products(pixels)
        for target in targets:
            started = time.perf_counter()
            with self.threads.step(pixels, products):
                output = next(outputs, None)
            if output is None:
                raise ImgxlateError(f"{self.model.method} gave fewer images than styles", hint="The method has a bug.")
            yield _Output(source, given, target, output, time.perf_counter() - started)
