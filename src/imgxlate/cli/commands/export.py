"""`imgxlate weights export`: models for other programs, or in half the size."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from imgxlate.cli import loading, options
from imgxlate.cli.output import Output


@options.command("overwrite", json=options.JSON_LINES)
def export(
    out: Output,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A checkpoint of imgxlate or of an original, or the folder of a run, for its best model.",
        ),
    ],
    form: Annotated[
        Literal["onnx", "originals", "half"],
        typer.Option(
            "--format", help="ONNX; files for the original's own program; or a checkpoint of imgxlate in half the size."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A file, or a folder, created if missing. Default: the current folder.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The original's yaml file, for settings that the weights do not show."),
    ] = None,
    generator: options.Generators = None,
    *,
    settings: options.Settings,
) -> None:
    """Write a model for other programs, or in half the size.

    ONNX needs the extra `onnx`, and is checked against torch. `half` stores the weights in float16; every command
    takes such a file.
    """
    loading.import_torch(out)
    from imgxlate.export.write import export as write

    paths = write(
        file, form, output, config=config, generators=generator or (), overwrite=settings.overwrite, notify=out.note
    )
    for path in paths:
        out.note(f"wrote {path}")
        out.record({"output": str(path), "format": form})
