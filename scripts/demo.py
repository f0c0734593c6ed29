"""Translate a landscape to winter in several styles, and paint photos: `python scripts/demo.py OUTDIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import gallery

from imgxlate.images.encode import save

LANDSCAPE = "tea-gardens.jpg"
PHOTOS = ("china.jpg", "chelsea.png", "flower.jpg")
STYLES = ("night-sky", "stained-glass", "facets")
SIZE = 240  # longer side in pixels
# Fewer iterations than by default: a few seconds for each image on two cores.
OPTIONS = ("--size", str(SIZE), "--scales", "2", "--coarse-iterations", "40", "--iterations", "15")


def main() -> None:
    """Write the images and two contact sheets to OUTDIR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path)
    folder = parser.parse_args().outdir
    folder.mkdir(parents=True, exist_ok=True)
    winter = folder / "winter.jpg"
    to_winter = ("translate", "munit", str(gallery.photo(LANDSCAPE)), "--n-styles", "8", "--grid", str(winter))
    gallery.imgxlate(*to_winter, "-o", f"{folder}/", "--overwrite", "-q")
    photos, styles = [gallery.photo(name) for name in PHOTOS], [gallery.style(name) for name in STYLES]
    outputs = gallery.paint_all(photos, styles, folder, *OPTIONS)
    path = folder / "contact-sheet.jpg"
    save(gallery.sheet(photos, styles, outputs, SIZE), path)
    print(f"All images on two sheets: {winter}, {path}")


if __name__ == "__main__":
    main()
