"""Make the images and the tables of docs/study.md: `python scripts/study.py [--outdir DIR] [--page FILE]`.

It takes less than half an hour on one core; neural style takes most of it.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gallery
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.images.image_array import ImageArray

DOCS = gallery.EXAMPLES.parent / "docs"
LANDSCAPES = gallery.EXAMPLES / "landscapes"
STYLES = ("--n-styles", "5", "--cell", "192")
SIZE = ("--size", "256")  # pixels of the shorter side
PAINTED = ("neural-style.size=384",)  # pixels of the longer side, as large as the translated images
METHODS = ("munit", "unit", "cyclegan", "cut", "neural-style")
COLUMNS = {
    "vgg19-distance": "diversity",
    "content-distance": "content distance",
    "ssim": "SSIM",
    "style-distance": "style distance",
}
QUALITY = 82  # of the JPEGs
WIDTH = 1160  # pixels of an image on the page, at most


@dataclass(frozen=True)
class Direction:
    """What is translated to a season."""

    season: str
    photos: Sequence[Path]
    style: Path  # a photo of the season, for neural style
    methods: Sequence[str] = METHODS


SUMMER_PHOTOS = (
    *(gallery.photo(f"{name}.jpg") for name in ("aitzgorri", "china", "picos-de-europa", "tea-gardens")),
    *(LANDSCAPES / f"{name}.jpg" for name in ("brook", "dunes", "sunset")),
)
WINTER_PHOTOS = tuple(gallery.photo(f"{name}.jpg") for name in ("lake-sherburne", "picos-de-europa"))
DIRECTIONS = (
    Direction("winter", SUMMER_PHOTOS, gallery.photo("lake-sherburne.jpg")),
    Direction("summer", WINTER_PHOTOS, gallery.photo("tea-gardens.jpg")),
)


def main() -> None:
    """Make all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--outdir", type=Path, default=DOCS / "study", help="where the images go")
    parser.add_argument("--page", type=Path, default=DOCS / "study.md", help="where the tables go")
    arguments = parser.parse_args()
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        keep(styles(Path(work)), arguments.outdir / "styles.jpg")
        for direction in DIRECTIONS:
            folder = compare(direction, Path(work))
            keep(decode(folder / "grid.png"), arguments.outdir / f"{direction.season}.jpg")
            insert(arguments.page, direction.season, table(json.loads((folder / "metrics.json").read_text())))


def styles(work: Path) -> ImageArray:
    """The grid of styles by contents."""
    sheet = work / "styles.png"
    gallery.imgxlate("sample-styles", "munit", *map(str, SUMMER_PHOTOS), *SIZE, *STYLES, "-o", str(sheet), "-q")
    return decode(sheet)


def compare(direction: Direction, work: Path) -> Path:
    """Run all methods on the photos. Returns the folder of results."""
    folder = work / direction.season
    painted = [word for value in PAINTED for word in ("--set", value)]
    methods = ("--methods", ",".join(direction.methods), "--style", str(direction.style), "--to", direction.season)
    photos = map(str, direction.photos)
    gallery.imgxlate("compare", *photos, *methods, *SIZE, *painted, "--metrics", "vgg19", "-o", f"{folder}/", "-q")
    return folder


def table(measured: Mapping[str, Any]) -> str:
    """The measurements of a comparison as Markdown."""
    rows = [["method", *COLUMNS.values()], ["---", *("--:" for _ in COLUMNS)]]
    for entrant in measured["entrants"]:
        numbers = (entrant["numbers"].get(name) for name in COLUMNS)
        rows.append([entrant["title"], *("" if number is None else f"{number:.3f}" for number in numbers)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def insert(page: Path, name: str, text: str) -> None:
    """Replace what stands between the two comments of that name."""
    begin, end = f"<!-- table: {name} -->", "<!-- end -->"
    before = page.read_text(encoding="utf-8")
    after, count = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", f"{begin}\n{text}\n{end}", before, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{page} has {count} places for the table {name!r}")
    page.write_text(after, encoding="utf-8")


def keep(image: ImageArray, path: Path) -> None:
    """Write an image of the page."""
    sheet = Image.fromarray(image.rgb)
    sheet.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
    sheet.save(path, quality=QUALITY, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
