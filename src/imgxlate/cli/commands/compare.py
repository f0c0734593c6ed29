"""`imgxlate compare`: several methods on the same images, as a grid, numbers and a report."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from imgxlate import config, threads
from imgxlate.cli import complete, loading, options
from imgxlate.cli.output import Output
from imgxlate.cli.progress import Bar
from imgxlate.errors import UsageError
from imgxlate.evaluate.choices import PairProtocol
from imgxlate.images.jobs import require_no_failures
from imgxlate.metrics.measure import MetricsChoice

if TYPE_CHECKING:
    from imgxlate.evaluate.method_evaluation import Stage
    from imgxlate.evaluate.results import Comparison, ImageResult
    from imgxlate.metrics.measure import Measure

_NUMBERS = "Numbers"


@options.command(
    "device",
    "precision",
    "seed",
    "threads",
    "memory",
    "max_pixels",
    "white",
    "overwrite",
    "offline",
    json=options.JSON_LINES,
)
def compare(
    out: Output,
    inputs: options.Inputs,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for grid.png, metrics.json, metrics.csv, report.html and images/; created if missing.",
        ),
    ] = "comparison",
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Default: all methods with a bundled model or a --model, and neural-style if --style is given.",
            autocompletion=complete.compared,
        ),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IMAGE",
            help="A style image for methods that take their style from an image, such as neural-style. Repeatable.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD=NAME",
            help="A model by name, file or folder of a run. Repeatable: several models of one method are compared too.",
        ),
    ] = None,
    generator: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD=NAME",
            help="Name of the generator to use, in the file in --model. Twice: A's first, then B's.",
        ),
    ] = None,
    to: options.To = None,
    size: options.Size = None,
    n_styles: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of images for each input, for methods with styles.")
    ] = 2,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="METHOD.KEY=VALUE",
            help="An option of a method without a model, such as neural-style.iterations=100. Repeatable.",
        ),
    ] = None,
    targets: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Real images of the target domain: measures how similar the translated images are to them.",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    protocol: Annotated[
        PairProtocol,
        typer.Option(
            help="Pairs for diversity: all pairs of 4 styles of each input, or 19 pairs of each of 100 inputs, as in "
            "MUNIT's paper.",
            rich_help_panel=_NUMBERS,
        ),
    ] = "all",
    metrics: Annotated[
        MetricsChoice,
        typer.Option(
            help="Networks that measure the images: the published ones (LPIPS, FID, KID), the bundled VGG-19, or none "
            "(time and memory only). auto: the published ones, downloaded if missing, else the bundled VGG-19.",
            rich_help_panel=_NUMBERS,
        ),
    ] = "auto",
    rows: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of inputs shown in grid and report. All are measured.")
    ] = 24,
    *,
    settings: options.Settings,
) -> None:
    """Compare several methods on the same images: a grid, numbers, and a report to view in a browser.

    The images go to images/, named <stem>.<method>[.<nn>].png, where nn numbers the styles from 00.
    """
    models = _by_method("--model", model or [], "=", "METHOD=NAME", "munit=runs/mine")
    values = _by_method("--set", assignments or [], ".", "METHOD.KEY=VALUE", "neural-style.iterations=100")
    generators = _by_method("--generator", generator or [], "=", "METHOD=NAME", "cyclegan=netG_A")
    loading.import_torch(out)
    from imgxlate import compare as compare_images

    threads.set_number(threads.parse(settings.threads))  # Freed memory is not kept: it is measured.

    with _Bars(out) as bars:
        result = compare_images(
            inputs,
            methods=None if methods is None else [name.strip() for name in methods.split(",") if name.strip()],
            models=models,
            generators=generators,
            settings={method: dict(map(config.assignment, texts)) for method, texts in values.items()},
            styles=style or [],
            targets=targets,
            to=to,
            size=size,
            n_styles=n_styles,
            protocol=protocol,
            metrics=metrics,
            rows=rows,
            device=settings.device,
            precision=settings.precision,
            seed=settings.seed,
            offline=settings.offline,
            memory=settings.memory,
            max_pixels=settings.limits.pixels,
            white=settings.limits.white,
            folder=output,
            overwrite=settings.overwrite,
            on_progress=bars.show,
            on_image=lambda source, image: _report_image(out, source, image, settings.seed),
            on_failure=out.error,
            notify=out.note,
        )
    _show_table(out, result)
    result.save(output, overwrite=True, on_file=lambda path: _report_file(out, path, result))
    inputs_in_all = {*result.failures, *(row.input for row in result.rows)}
    require_no_failures(list(result.failures.values()), inputs=len(inputs_in_all), done="the other images are done")


def _by_method(option: str, texts: Iterable[str], separator: str, form: str, example: str) -> dict[str, list[str]]:
    """The values of an option by method.

    Raises:
        UsageError: a value does not have the form `form`.
    """
    given: dict[str, list[str]] = {}
    for text in texts:
        method, found, value = text.partition(separator)
        if not (found and value.strip()):
            raise UsageError(f"{option} {text}: must be {form}", hint=f"For example: {option} {example}.")
        given.setdefault(method.strip(), []).append(value.strip())
    return given


class _Bars:
    """A progress bar for the current stage. Each stage has a bar of its own."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._shown = ExitStack()
        self._title = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    def show(self, stage: "Stage") -> None:
        """Show how far the stage is."""
        if stage.title != self._title:
            self._shown.close()
            self._bar = self._shown.enter_context(Bar(self._out, stage.title, stage.total, stage.unit).shown())
            self._title = stage.title
        self._bar.update(stage.done, stage.total, stage.detail)


def _report_image(out: Output, source: Path, image: "ImageResult", seed: int) -> None:
    record = {"output": str(image.file), "input": str(source), "entrant": image.method, "model": image.model}
    out.record(record | {"style": image.style, "seed": seed, "numbers": dict(image.numbers)})
    out.detail(str(image.file))


def _report_file(out: Output, path: Path, result: "Comparison") -> None:
    numbers = {method.key: dict(method.numbers) for method in result.methods}
    out.record({"output": str(path)} | ({"entrants": numbers} if path.name == "metrics.json" else {}))
    if not out.as_json:
        out.note(str(path))


def _show_table(out: Output, result: "Comparison") -> None:
    """Print a table of measures by methods on stderr, and a line for each measure that says how it was computed."""
    titles = ["", *(method.title for method in result.methods)]
    numbers = [
        [_heading(measure), *(_shown(method.numbers[measure.name]) for method in result.methods)]
        for measure in result.measures
    ]
    for line in ("", *_aligned([titles, *numbers]), ""):
        out.note(line)
    for measure in result.measures:
        better = f" ({measure.better} is better)" if measure.better else ""
        out.note(f"{measure.title}{better}: {measure.how}")


def _heading(measure: "Measure") -> str:
    return f"{measure.title}, {measure.unit}" if measure.unit else measure.title


def _shown(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines: the first column flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
