"""Translate and paint the examples through the command line, and lay out the paintings on one sheet."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from imgxlate.images.decode import decode
from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray

EXAMPLES = Path(os.path.relpath(Path(__file__).resolve().parent.parent / "examples"))


def photo(name: str) -> Path:
    """The path of an example photo."""
    return EXAMPLES / "photos" / name


def style(name: str) -> Path:
    """The path of an example style image."""
    return EXAMPLES / "styles" / f"{name}.jpg"


def outlines() -> list[Path]:
    """The paths of the outlines to color, sorted by name."""
    return sorted((EXAMPLES / "outlines").glob("*.png"))


def imgxlate(*arguments: str) -> None:
    """Print an `imgxlate` command and run it. If it fails, exit with its exit code."""
    print(shlex.join(["imgxlate", *arguments]), end=" ", flush=True)
    started = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", "imgxlate", *arguments], check=False).returncode
    if code:
        sys.exit(code)
    print(f"# {time.perf_counter() - started:.1f} s", flush=True)


def benchmark(name: str, *arguments: str) -> None:
    """Run a benchmark. If it fails, raise its exit code as an error."""
    subprocess.run([sys.executable, str(EXAMPLES.parent / "benchmarks" / f"{name}.py"), *arguments], check=True)


def translate(method: str, contents: Iterable[Path], folder: Path, *options: str) -> list[list[ImageArray]]:
    """Translate to files in `folder`. Returns a row for each content image: itself and its translations."""
    contents = list(contents)
    imgxlate("translate", method, *map(str, contents), *options, "-o", f"{folder}/", "-q")
    rows = ([content, *sorted(folder.glob(f"{content.stem}.{method}.*"))] for content in contents)
    return [list(map(decode, row)) for row in rows]


def paint(content: Path, style_image: Path, output: Path, *options: str) -> None:
    """Paint a photo in the style of an image."""
    imgxlate("neural-style", str(content), str(style_image), "-o", str(output), "--overwrite", "-q", *options)


def paint_all(photos: Sequence[Path], styles: Sequence[Path], folder: Path, *options: str) -> list[list[Path]]:
    """Paint each photo in each style. Returns the files in `folder`, named after both: a row for each photo."""
    rows = []
    for content in photos:
        rows.append([folder / f"{content.stem}.{image.stem}.png" for image in styles])
        for image, output in zip(styles, rows[-1], strict=True):
            paint(content, image, output, *options)
    return rows


def sheet(photos: Sequence[Path], styles: Sequence[Path], outputs: list[list[Path]], cell: int) -> ImageArray:
    """A contact sheet with the styles on top and each photo at the left of its paintings."""
    header = [None, *map(decode, styles)]
    rows = [list(map(decode, [content, *row])) for content, row in zip(photos, outputs, strict=True)]
    return contact_sheet([header, *rows], column_headers=["", *(image.stem for image in styles)], cell=cell)
