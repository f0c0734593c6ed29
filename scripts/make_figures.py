"""Make the figures of the README and the docs: `python scripts/make_figures.py [NAME...] [--outdir DIR]`.

All figures together take three quarters of an hour on two cores. The figure of the report is a screenshot by Chromium,
and is left out without it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import gallery
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import Box, Size
from imgxlate.images.tensors import crop, from_tensor, resize, to_tensor
from imgxlate.training import plots

ROOT = gallery.EXAMPLES.parent
FIGURES = ROOT / "docs" / "figures"
QUALITY = 86  # of the JPEGs, small enough for a page

# The photos to show in eight styles of MUNIT, for each direction.
TRANSLATED = {"winter": "tea-gardens.jpg", "summer": "lake-sherburne.jpg"}
EIGHT = ("--n-styles", "8")
STYLES_IN_A_ROW = 4

# Photos of winter, and the photos of summer that give the styles.
GUIDED = ("lake-sherburne.jpg", "picos-de-europa.jpg")
GUIDES = ("tea-gardens.jpg", "aitzgorri.jpg", "china.jpg")

# The methods whose films are shown.
FILMED = {"cyclegan": "CycleGAN", "neural-style": "neural style"}
FILM_CELL = 192

# The parts of photos that show the ways to translate a photo of several times the size of the training images.
WAYS = {"full size": (), "--size 176": ("--size", "176"), "--work-size 176": ("--work-size", "176")}
PARTS = {"tea-gardens.jpg": Box(50, 240, 240, 240), "aitzgorri.jpg": Box(90, 260, 240, 240)}

COLORING = ("--model", "outline2color", "--size", "72")  # pixels; at larger sizes, large shapes stay white in part
OUTLINE_CELL = 128  # pixels of an outline on a sheet
TWO_COLORINGS = "3"  # a seed whose first two styles are far apart: red and green

COMPARED = ("tea-gardens.jpg", "aitzgorri.jpg", "picos-de-europa.jpg")
TWO_WINTERS = "3"  # a seed whose first two styles of winter are far apart: bright and dark
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: it does not work for root, and the page is our own. The window shows the images and the first numbers.
SWITCHES = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,1600")

HISTORY = ROOT / "recipes" / "munit-summer2winter.1.history.jsonl"
LOSSES = ("dis", "dis_r1", "gen_adv", "gen_vgg", "gen_recon_x", "gen_cycrecon_x", "gen_recon_c", "gen_recon_s")

PHOTOS = ("china.jpg", "chelsea.png", "flower.jpg")
STYLES = ("night-sky", "stained-glass", "facets")
CELL = 320  # pixels of a painting on the sheet
REGIONS = {"blue": "night-sky", "red": "stained-glass", "lime": "garden"}  # by color of the label map
REGIONS_CELL = 380  # pixels of an image on the sheet
LABELS = gallery.EXAMPLES / "masks" / "china.png"
LARGE_CELL = 640  # pixels of a large image on the sheet
PART = (0.38, 0.22)  # where the part of a painting begins, as fractions of height and width

# The photo and the style for the paper's figures, and the options in docs/methods/neural-style.md.
STUDIED = gallery.photo("china.jpg"), gallery.style("night-sky")
RECONSTRUCTED = ("--size", "224")
SWEPT = ("--size", "192", "--iterations", "120")


def munit_styles(work: Path) -> ImageArray:
    """A photo in eight styles of winter, and another in eight styles of summer."""
    rows: list[Sequence[ImageArray | None]] = []
    for domain, name in TRANSLATED.items():
        [[content, *styles]] = gallery.translate("munit", [gallery.photo(name)], work / domain, "--to", domain, *EIGHT)
        rows.append([content, *styles[:STYLES_IN_A_ROW]])
        rows.append([None, *styles[STYLES_IN_A_ROW:]])
    headers = [text for domain in TRANSLATED for text in (f"to {domain}", "")]
    return contact_sheet(rows, row_headers=headers, leading_columns=1)


def outline2color(work: Path) -> ImageArray:
    """Each outline in eight colorings."""
    rows = gallery.translate("munit", gallery.outlines(), work / "outlines", *COLORING, *EIGHT)
    return contact_sheet(rows, leading_columns=1, cell=OUTLINE_CELL)


def guided(work: Path) -> ImageArray:
    """Photos of winter in the styles of photos of summer."""
    styles = [word for name in GUIDES for word in ("--style", str(gallery.photo(name)))]
    return _styles(work / "guided.png", map(gallery.photo, GUIDED), "--to", "summer", *styles)


def work_size(work: Path) -> ImageArray:
    """Parts of photos, translated at full size, at a small size, and at a small size with guided upsampling."""
    photos = [gallery.photo(name) for name in PARTS]
    ways = [
        gallery.translate("munit", photos, work / f"way{index}", *options, "--seed", TWO_WINTERS)
        for index, options in enumerate(WAYS.values())
    ]
    rows = []
    for part, *images in zip(PARTS.values(), *ways, strict=True):
        content = images[0][0]
        rows.append([_part(image, part, content.size) for image in (content, *(row[1] for row in images))])
    return contact_sheet(rows, column_headers=["input", *WAYS], leading_columns=1, cell=240)


def _part(image: ImageArray, box: Box, size: Size) -> ImageArray:
    """The box in an image that is enlarged to `size`."""
    enlarged = resize(to_tensor(image.rgb), size, "bicubic")
    return ImageArray(from_tensor(crop(enlarged, box)))


def interpolation(work: Path) -> ImageArray:
    """Outlines, interpolated from one coloring to another."""
    options = (*COLORING, "--interpolate", "5", "--seed", TWO_COLORINGS, "--cell", str(OUTLINE_CELL))
    return _styles(work / "interpolation.png", gallery.outlines(), *options)


def _styles(sheet: Path, contents: Iterable[Path], *options: str) -> ImageArray:
    gallery.imgxlate("sample-styles", "munit", *map(str, contents), *options, "-o", str(sheet), "-q")
    return decode(sheet)


def comparison(work: Path) -> ImageArray:
    """Landscapes translated by each method."""
    return decode(_compared(work) / "grid.png")


def report(work: Path) -> ImageArray | None:
    """The top of the report on the same comparison, or None without a browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return None
    page, shot = _compared(work) / "report.html", work / "report.png"
    files = (f"--user-data-dir={work / 'profile'}", f"--screenshot={shot}", page.resolve().as_uri())
    subprocess.run([browser, *SWITCHES, *files], check=True, capture_output=True, timeout=120)
    return decode(shot)


def _compared(work: Path) -> Path:
    """Run the comparison that two figures show, once. Returns its folder."""
    folder = work / "comparison"
    if not folder.exists():
        photos = [str(gallery.photo(name)) for name in COMPARED]
        methods = ("--methods", "munit,unit,cyclegan,neural-style", "--style", str(STUDIED[1]), "--seed", TWO_WINTERS)
        gallery.imgxlate("compare", *photos, *methods, "--metrics", "vgg19", "-o", f"{folder}/", "-q")
    return folder


def neural_style(work: Path) -> ImageArray:
    """Each photo in each style with the default options."""
    photos, styles = [gallery.photo(name) for name in PHOTOS], [gallery.style(name) for name in STYLES]
    return gallery.sheet(photos, styles, gallery.paint_all(photos, styles, work), CELL)


def regions(work: Path) -> ImageArray:
    """A photo and its label map; the photo in one style, and with each region in a style of its own."""
    photo, one_style, each_its_own = gallery.photo("china.jpg"), work / "one-style.png", work / "regions.png"
    gallery.paint(photo, gallery.style(REGIONS["blue"]), one_style)
    named = [f"{LABELS}#{color},{gallery.style(name)}" for color, name in REGIONS.items()]
    options = [word for region in named for word in ("--region", region)]
    gallery.imgxlate("neural-style", str(photo), *options, "-o", str(each_its_own), "-q")
    rows = [(photo, LABELS), (one_style, each_its_own)]
    return contact_sheet([list(map(decode, row)) for row in rows], cell=REGIONS_CELL)


def reconstruct_content(work: Path) -> ImageArray:
    """Figure 1 of the paper: content reconstructions of a photo."""
    return _study(work / "content.png", str(STUDIED[0]), "--reconstruct", "content", *RECONSTRUCTED)


def reconstruct_style(work: Path) -> ImageArray:
    """Figure 1 of the paper: style reconstructions of a painting."""
    return _study(work / "style.png", str(STUDIED[1]), "--reconstruct", "style", *RECONSTRUCTED)


def sweep(work: Path) -> ImageArray:
    """Figure 3 of the paper."""
    return _study(work / "sweep.png", *map(str, STUDIED), "--sweep", *SWEPT)


def _study(sheet: Path, *arguments: str) -> ImageArray:
    gallery.imgxlate("neural-style", *arguments, "-o", str(sheet))
    return decode(sheet)


def large_image(work: Path) -> ImageArray:
    """A photo of two megapixels, translated whole and as a patchwork."""
    measured = ("--methods", "munit", "--megapixels", "2", "--patches", "--outputs", str(work / "large"))
    gallery.benchmark("large", "--photo", str(gallery.photo("china.jpg")), *measured)
    folder = work / "large" / "munit-2"
    images = [decode(folder / f"{name}.png") for name in ("bands", "patches")]
    return contact_sheet([images], column_headers=["in bands of rows", "as a patchwork of 512 pixels"], cell=LARGE_CELL)


def large_painting(work: Path) -> ImageArray:
    """A photo painted at 4096 pixels, and a part of it at full size."""
    output = work / "print.png"
    gallery.paint(*STUDIED, output, "--preset", "print")
    return with_part(decode(output))


def with_part(painting: ImageArray) -> ImageArray:
    """A painting, reduced, beside a part of it at full size."""
    height, width = painting.size
    top, left = int(height * PART[0]), int(width * PART[1])
    part = ImageArray(painting.rgb[top : top + LARGE_CELL * 2 // 3, left : left + LARGE_CELL])
    return contact_sheet([[painting, part]], column_headers=["the whole", "a part at full size"], cell=LARGE_CELL)


def steady_film(work: Path) -> ImageArray:
    """Four frames of a camera's pan, frame by frame and as a film."""
    folder = work / "film"
    clip = ("--clips", "pan", "--photo", str(gallery.photo("china.jpg")), "--frames", "8")
    gallery.benchmark("film", "--methods", *FILMED, *clip, "--outputs", str(folder))
    names = {"input": "pan"}
    for method, title in FILMED.items():
        names |= {f"{title}, frame by frame": f"pan-{method}-frames", f"{title}, steady": f"pan-{method}-steady"}
    rows = [[decode(folder / name / f"{n:02d}.png") for n in range(0, 8, 2)] for name in names.values()]
    return contact_sheet(rows, row_headers=list(names), leading_rows=1, cell=FILM_CELL)


def training_curve(work: Path) -> ImageArray:
    """The losses of the training of the bundled MUNIT model."""
    curves = plots.read_curves(HISTORY)
    shown = {name: curve for name, curve in curves.items() if name.removesuffix("_a").removesuffix("_b") in LOSSES}
    plots.draw(shown).savefig(work / "curve.png")
    return decode(work / "curve.png")


MAKERS: Mapping[str, Callable[[Path], ImageArray | None]] = {
    "munit-styles.jpg": munit_styles,
    "comparison.jpg": comparison,
    "report.jpg": report,
    "guided.jpg": guided,
    "work-size.jpg": work_size,
    "interpolation.jpg": interpolation,
    "outline2color.jpg": outline2color,
    "large-image.jpg": large_image,
    "large-painting.jpg": large_painting,
    "steady-film.jpg": steady_film,
    "training-curve.png": training_curve,
    "neural-style.jpg": neural_style,
    "regions.jpg": regions,
    "reconstruct-content.jpg": reconstruct_content,
    "reconstruct-style.jpg": reconstruct_style,
    "sweep.jpg": sweep,
}


def main() -> None:
    """Make all figures, or the named ones."""
    known = {Path(file).stem: file for file in MAKERS}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(known)}; default: all")
    parser.add_argument("--outdir", type=Path, default=FIGURES)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"there is no figure {unknown[0]!r}")
    with tempfile.TemporaryDirectory() as work:
        for name in arguments.names or known:
            make(known[name], Path(work), arguments.outdir)


def make(file: str, work: Path, outdir: Path) -> None:
    """Make one figure. `work` holds intermediate files; figures may share it."""
    image = MAKERS[file](work)
    if image is None:
        print(f"{file} is left out: Chromium is not installed")
        return
    outdir.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.rgb).save(outdir / file, quality=QUALITY, optimize=True)
    print(outdir / file)


if __name__ == "__main__":
    main()
