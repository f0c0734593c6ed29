"""Painting each content image of `neural-style`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.cli import runs
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.errors import UsageError
from imgxlate.images.outputs import Existing, Job, Target, refuse_existing

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.methods.protocol import Iterate, Stylizer

LABEL = "neural-style"  # in the names of outputs


@dataclass(frozen=True, slots=True)
class Painting:
    """The work on each content image."""

    out: Output
    stylizer: "Stylizer"
    styles: "Sequence[ImageArray]"
    init: "ImageArray | None"
    preset: str
    seed: int
    save_every: int | None
    existing: Existing

    def run(self, job: Job) -> None:
        """Paint one content image."""
        from imgxlate.inference.stylization import painted

        (target,) = job.targets
        steps = self._steps_folder(target)
        content = runs.read_picture(job.source)
        started = time.perf_counter()
        iterate, evaluations = self._optimise(job, content, steps)
        picture = painted(content, iterate)
        runs.write_picture(self.out, picture, target.path)
        self._report(job, target, picture, iterate, evaluations, time.perf_counter() - started)

    def _optimise(self, job: Job, content: "ImageArray", steps: Path | None) -> "tuple[Iterate, int]":
        from imgxlate.inference.stylization import painted, stylize

        done = 0
        with Bar(self.out, job.source.name, None, "iterations").shown() as bar:
            for done, iterate in enumerate(stylize(self.stylizer, content, self.styles, self.init, self.seed), 1):
                bar.update(iterate.iteration, iterate.iterations, _describe(iterate))
                if steps and self.save_every and done % self.save_every == 0:
                    runs.write_picture(self.out, painted(content, iterate), steps / f"{done:05d}.png")
        return iterate, done

    def _steps_folder(self, target: Target) -> Path | None:
        """Where `--save-every` writes: a folder beside the output, named after it.

        Raises:
            UsageError: the output goes to standard output, beside which there is no folder.
            OutputError: the folder already holds something.
        """
        if not self.save_every:
            return None
        if target.path is None:
            raise UsageError("--save-every needs an output file, not -o -")
        folder = target.path.with_suffix(".steps")
        if folder.is_dir() and any(folder.iterdir()):
            refuse_existing([folder], self.existing)
        return folder

    def _report(
        self, job: Job, target: Target, picture: "ImageArray", iterate: "Iterate", done: int, seconds: float
    ) -> None:
        height, width = picture.size
        self.out.record(
            {
                "input": job.source.name,
                "output": target.name,
                "method": LABEL,
                "preset": self.preset,
                "seed": self.seed,
                "width": width,
                "height": height,
                "iterations": done,
                "losses": dict(iterate.losses),
                "seconds": round(seconds, 3),
            }
        )
        if target.path is not None and not self.out.as_json:
            self.out.note(str(target.path))


def _describe(iterate: "Iterate") -> str:
    height, width = iterate.size
    scale = f"scale {iterate.scale + 1} of {iterate.scales}, {width}x{height} px"
    return f"{scale}, loss {iterate.losses['total']:.3g}"
