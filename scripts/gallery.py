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
    """The photograph of that file name."""
    return EXAMPLES / "photos" / name


def style(name: str) -> Path:
    """The style picture of that name."""
    return EXAMPLES / "styles" / f"{name}.jpg"


def outlines() -> list[Path]:
    """The outlines to colour, by name."""
    return sorted((EXAMPLES / "outlines").glob("*.png"))


def imgxlate(*arguments: str) -> None:
    """Run `imgxlate` as a user would, and say so; leave with its exit code if it fails."""
    print(shlex.join(["imgxlate", *arguments]), end=" ", flush=True)
    started = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", "imgxlate", *arguments], check=False).returncode
    if code:
        sys.exit(code)
    print(f"# {time.perf_counter() - started:.1f} s", flush=True)


def translate(method: str, contents: Iterable[Path], folder: Path, *options: str) -> list[list[ImageArray]]:
    """Translate into files of `folder`; a row for each content: itself, then its translations."""
    contents = list(contents)
    imgxlate("translate", method, *map(str, contents), *options, "-o", f"{folder}/", "-q")
    rows = ([content, *sorted(folder.glob(f"{content.stem}.{method}.*"))] for content in contents)
    return [list(map(decode, row)) for row in rows]


def paint(content: Path, style_picture: Path, output: Path, *options: str) -> None:
    """Paint a photograph in a style."""
    imgxlate("neural-style", str(content), str(style_picture), "-o", str(output), "--overwrite", "-q", *options)


def paint_all(photos: Sequence[Path], styles: Sequence[Path], folder: Path, *options: str) -> list[list[Path]]:
    """Each photograph in each style, in files of `folder` named after both; a row for each photograph."""
    rows = []
    for content in photos:
        rows.append([folder / f"{content.stem}.{picture.stem}.png" for picture in styles])
        for picture, output in zip(styles, rows[-1], strict=True):
            paint(content, picture, output, *options)
    return rows


def sheet(photos: Sequence[Path], styles: Sequence[Path], outputs: list[list[Path]], cell: int) -> ImageArray:
    """A contact sheet: the styles on top, each photograph at the left of its paintings."""
    header = [None, *map(decode, styles)]
    rows = [list(map(decode, [content, *row])) for content, row in zip(photos, outputs, strict=True)]
    return contact_sheet([header, *rows], column_headers=["", *(picture.stem for picture in styles)], cell=cell)
