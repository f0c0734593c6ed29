"""Paint photographs in the styles that come with the project: `python scripts/demo.py OUTDIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import gallery

from imgxlate.images.encode import save

PHOTOS = ("china.jpg", "chelsea.png", "astronaut.png")
STYLES = ("night-sky", "stained-glass", "ink-wash")
SIZE = 288  # longer side in pixels: a few seconds a picture on two cores


def main() -> None:
    """Leave the pictures and one contact sheet in OUTDIR."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path)
    folder = parser.parse_args().outdir
    folder.mkdir(parents=True, exist_ok=True)
    photos, styles = [gallery.photo(name) for name in PHOTOS], [gallery.style(name) for name in STYLES]
    outputs = gallery.paint_all(photos, styles, folder, "--size", str(SIZE))
    path = folder / "contact-sheet.jpg"
    save(gallery.sheet(photos, styles, outputs, SIZE), path)
    print(f"All of them on one sheet: {path}")


if __name__ == "__main__":
    main()
