"""Make the pictures of README and docs again: `python scripts/make_figures.py [OUTDIR]`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import gallery
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.images.picture import Picture

FIGURES = gallery.EXAMPLES.parent / "docs" / "figures"

CONTENT_WEIGHT = ("--content-weight", "200")

HERO = ("china.jpg", "night-sky")  # photograph, style
HERO_OPTIONS = ("--size", "768", "--scales", "3", "--coarse-iterations", "60", "--iterations", "25", *CONTENT_WEIGHT)

PHOTOS = ("china.jpg", "chelsea.png", "flower.jpg")
STYLES = ("night-sky", "stained-glass", "wave", "facets")
OPTIONS = ("--size", "384", "--scales", "2", "--coarse-iterations", "60", "--iterations", "25", *CONTENT_WEIGHT)
CELL = 288  # pixels of a picture on the sheet
QUALITY = 85  # of the JPEGs


def main() -> None:
    """Paint anew, at full quality, what the figures show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path, nargs="?", default=FIGURES)
    figures = parser.parse_args().outdir
    figures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _make_hero(figures / "hero.jpg", Path(folder))
        _make_sheet(figures / "neural-style.jpg", Path(folder))


def _make_hero(figure: Path, folder: Path) -> None:
    name, style = HERO
    painting = folder / "hero.png"
    gallery.paint(gallery.photo(name), gallery.style(style), painting, *HERO_OPTIONS)
    _save(decode(painting), figure)


def _make_sheet(figure: Path, folder: Path) -> None:
    photos, styles = [gallery.photo(name) for name in PHOTOS], [gallery.style(name) for name in STYLES]
    outputs = gallery.paint_all(photos, styles, folder, *OPTIONS)
    _save(gallery.sheet(photos, styles, outputs, CELL), figure)


def _save(picture: Picture, figure: Path) -> None:
    """Write a JPEG that is small enough for a page."""
    Image.fromarray(picture.rgb).save(figure, quality=QUALITY)
    print(figure)


if __name__ == "__main__":
    main()
