"""Make the sample images on the bundled models' pages: `python scripts/make_card_images.py [MODEL...]`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import gallery
from PIL import Image

import imgxlate
from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray
from imgxlate.inference.model import Model
from imgxlate.paths import assets_dir
from imgxlate.weights.cards import cards

LANDSCAPES = {
    "winter": ("tea-gardens.jpg", "aitzgorri.jpg"),
    "summer": ("lake-sherburne.jpg", "picos-de-europa.jpg"),
    "monet": ("tea-gardens.jpg", "lake-sherburne.jpg", "china.jpg"),
}
SIZES = {"munit-outline2color": 72}  # shorter side in pixels
SIZE = 256  # of all others
CELL = 160
QUALITY = 85


def main() -> None:
    """Draw a sheet for each model, or for the named ones."""
    names = [card.name for card in cards().values() if card.bundled and card.kind == "generator"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MODEL", help=f"{', '.join(names)}; default: all")
    parser.add_argument("--outdir", type=Path, default=assets_dir())
    arguments = parser.parse_args()
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or names:
        if name not in names:
            parser.error(f"there is no model {name!r} in the package")
        with tempfile.TemporaryDirectory() as work:
            sheet = draw(name, Path(work))
        path = arguments.outdir / f"{name}.jpg"
        Image.fromarray(sheet.rgb).save(path, quality=QUALITY, optimize=True)
        print(path)


def draw(name: str, work: Path) -> ImageArray:
    """The translations of the examples by a model. It was not trained on any of them."""
    if name.endswith("outline2color"):
        rows = translated(name, gallery.outlines(), work)
        return contact_sheet(rows, leading_columns=1, cell=CELL)
    rows, headers = [], []
    for domain in loaded(name).targets:
        photos = LANDSCAPES[domain]
        rows += translated(name, map(gallery.photo, photos), work / domain, "--to", domain)
        headers += [f"to {domain}"] * len(photos)
    return contact_sheet(rows, row_headers=headers, leading_columns=1, cell=CELL)


def translated(name: str, contents: Iterable[Path], folder: Path, *options: str) -> list[list[ImageArray]]:
    """A row for each content image: itself and its translations, in four styles if the model has styles."""
    model = loaded(name)
    styles = ("--n-styles", "4") if model.style_dim else ()
    how = ("--model", name, "--size", str(SIZES.get(name, SIZE)), *styles, *options)
    return gallery.translate(model.method, contents, folder, *how)


@cache
def loaded(name: str) -> Model:
    """A model of the package."""
    return imgxlate.load(cards()[name].method, model=name)


if __name__ == "__main__":
    main()
