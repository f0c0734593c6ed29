"""Make the pictures of README and docs again: `python scripts/make_figures.py [NAME...] [--outdir DIR]`.

Takes some minutes for a painting, and up to an hour for a sheet of many.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import gallery
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.images.picture import Picture

FIGURES = gallery.EXAMPLES.parent / "docs" / "figures"

PHOTOS = ("china.jpg", "chelsea.png", "flower.jpg")
STYLES = ("night-sky", "stained-glass", "facets")
CELL = 320  # pixels of a picture on the sheet
QUALITY = 85  # of the JPEGs, so that they are small enough for a page

# The photograph and the style of the paper's figures, and the options that docs/methods/neural-style.md gives.
STUDIED = gallery.photo("china.jpg"), gallery.style("night-sky")
RECONSTRUCTED = ("--size", "224")
SWEPT = ("--size", "192", "--iterations", "120")


def neural_style(folder: Path) -> Picture:
    """Each photograph in each style at the defaults."""
    photos, styles = [gallery.photo(name) for name in PHOTOS], [gallery.style(name) for name in STYLES]
    return gallery.sheet(photos, styles, gallery.paint_all(photos, styles, folder), CELL)


def reconstruct_content(folder: Path) -> Picture:
    """Figure 1 of the paper, its photograph."""
    return _sheet(folder, str(STUDIED[0]), "--reconstruct", "content", *RECONSTRUCTED)


def reconstruct_style(folder: Path) -> Picture:
    """Figure 1 of the paper, its painting."""
    return _sheet(folder, str(STUDIED[1]), "--reconstruct", "style", *RECONSTRUCTED)


def sweep(folder: Path) -> Picture:
    """Figure 3 of the paper."""
    return _sheet(folder, *map(str, STUDIED), "--sweep", *SWEPT)


def _sheet(folder: Path, *arguments: str) -> Picture:
    gallery.imgxlate("neural-style", *arguments, "-o", str(folder / "sheet.png"))
    return decode(folder / "sheet.png")


MAKERS: Mapping[str, Callable[[Path], Picture]] = {
    "neural-style": neural_style,
    "reconstruct-content": reconstruct_content,
    "reconstruct-style": reconstruct_style,
    "sweep": sweep,
}


def main() -> None:
    """Make the figures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(MAKERS)}; all, where none is given")
    parser.add_argument("--outdir", type=Path, default=FIGURES)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in MAKERS]
    if unknown:
        parser.error(f"there is no figure {unknown[0]!r}")
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or MAKERS:
        with tempfile.TemporaryDirectory() as folder:
            sheet = MAKERS[name](Path(folder))
        figure = arguments.outdir / f"{name}.jpg"
        Image.fromarray(sheet.rgb).save(figure, quality=QUALITY)
        print(figure)


if __name__ == "__main__":
    main()
