"""Make the pictures of README and docs again: `python scripts/make_figures.py [OUTDIR]`. Takes some minutes."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import gallery
from PIL import Image

FIGURES = gallery.EXAMPLES.parent / "docs" / "figures"

PHOTOS = ("china.jpg", "chelsea.png", "flower.jpg")
STYLES = ("night-sky", "stained-glass", "facets")
CELL = 320  # pixels of a picture on the sheet
QUALITY = 85  # of the JPEGs, so that they are small enough for a page


def main() -> None:
    """Paint each photograph in each style at the defaults, and lay them out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path, nargs="?", default=FIGURES)
    figures = parser.parse_args().outdir
    figures.mkdir(parents=True, exist_ok=True)
    photos, styles = [gallery.photo(name) for name in PHOTOS], [gallery.style(name) for name in STYLES]
    with tempfile.TemporaryDirectory() as folder:
        outputs = gallery.paint_all(photos, styles, Path(folder))
        sheet = gallery.sheet(photos, styles, outputs, CELL)
    figure = figures / "neural-style.jpg"
    Image.fromarray(sheet.rgb).save(figure, quality=QUALITY)
    print(figure)


if __name__ == "__main__":
    main()
