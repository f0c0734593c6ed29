"""Contact sheets: rows and columns of images with labels."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from operator import add
from typing import cast

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imgxlate.images.image_array import ImageArray
from imgxlate.images.pil import to_pil

_PAPER = (255, 255, 255)
_INK = (38, 38, 38)
_CHECKER = (255, 228)  # gray levels
_CHECKER_SQUARE = 8  # pixels
_ELLIPSIS = "..."
_LETTERS = 8  # em; the least width of a label beside or above narrow images
_MOST_PIXELS = 1 << 27  # of a planned sheet: 400 MB of thumbnails, and as much for the sheet
_SMALLEST_CELL = 16  # pixels
_SMALLEST_GAP = 4  # pixels
_SET_OFF = 3  # gaps between leading rows or columns and the others

CELL = 256
"""The usual longer side of an image on a sheet, in pixels."""

Tile = Image.Image | None
"""An image or a label in its final size, in mode RGB. None leaves its cell empty."""


def contact_sheet(
    rows: Sequence[Sequence[ImageArray | None]],
    *,
    column_headers: Sequence[str] | None = None,
    row_headers: Sequence[str] | None = None,
    leading_rows: int = 0,
    leading_columns: int = 0,
    cell: int = CELL,
    title: str | None = None,
) -> ImageArray:
    """Lay out images in a table on white. None leaves a cell empty, and so does the end of a shorter row.

    The longer side of each image is resized to `cell` pixels. Rows and columns are as high and wide as their contents.
    Wide labels are shortened. Transparent images lie on a light checkerboard. A wider gap separates the first
    `leading_rows` and `leading_columns`, such as the originals, from the others.

    Raises:
        ValueError: the number of headers is not that of the rows or columns, or there are no cells.
    """
    columns = max(map(len, rows), default=0)
    if not columns:
        raise ValueError("a contact sheet needs at least one cell")
    if column_headers is not None and len(column_headers) != columns:
        raise ValueError(f"{len(column_headers)} column headers for {columns} columns")
    font = _font(max(11, cell // 15))
    table: list[list[Tile]] = [[None if image is None else _fitted(image, cell) for image in row] for row in rows]
    if column_headers is not None:
        table.insert(0, _labels_above(table, column_headers, font, cell))
        leading_rows += bool(leading_rows)
    if row_headers is not None:
        blank = [] if column_headers is None else [None]
        labels = [*blank, *_aligned_right([_label(text, font, max(cell, _wide(font))) for text in row_headers])]
        table = [[label, *row] for label, row in zip(labels, table, strict=True)]
        leading_columns += bool(leading_columns)
    sheet = _laid_out(table, _gap(cell), leading_rows, leading_columns)
    return ImageArray(np.asarray(_titled(sheet, title, cell)))


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """The size of a sheet. Planning it before its images are made bounds the memory that they need."""

    cell: int  # longer side of an image on the sheet, in pixels
    rows: int  # rows that fit


def plan_sheet(rows: int, columns: int, *, cell: int = CELL, longest_side: int | None = None) -> SheetPlan:
    """The largest cells, up to `cell`, for which a sheet has at most 134 megapixels and sides up to `longest_side`.

    If even the smallest cells are too large for all rows, the plan has fewer rows.
    """
    longest = longest_side or _MOST_PIXELS
    size = max(cell, _SMALLEST_CELL)
    while size > _SMALLEST_CELL and _most_rows(size, columns, longest) < rows:
        size -= 1
    return SheetPlan(size, max(1, min(rows, _most_rows(size, columns, longest))))


def _most_rows(cell: int, columns: int, longest: int) -> int:
    """The most rows of a sheet with headers and a title, or 0 if it is too wide."""
    gap, letter = _gap(cell), max(14, cell // 10)  # height of a letter of the title, which is higher than a header
    margins = (4 + 2 * _SET_OFF) * gap
    labels = max(cell, _LETTERS * letter) + gap  # of rows; as many pixels are left for headers and title
    width = margins + labels + columns * (cell + gap)
    height = min(longest, _MOST_PIXELS // width) - margins - labels
    return max(0, height // (cell + gap)) if width <= longest else 0


def thumbnail(image: ImageArray, cell: int = CELL) -> ImageArray:
    """The image as `contact_sheet` shows it. Keep this for a sheet, instead of the whole image."""
    return ImageArray(np.asarray(_fitted(image, cell)))


def _fitted(image: ImageArray, cell: int) -> Image.Image:
    """The image with a longer side of `cell` pixels, on the checkerboard if it is transparent."""
    height, width = (max(1, round(side * cell / max(image.size))) for side in image.size)
    small = to_pil(image).resize((width, height), Image.Resampling.LANCZOS)
    if image.alpha is None:
        return small
    paper = _checker(height, width)
    paper.paste(small, mask=small.getchannel("A"))
    return paper


def _checker(height: int, width: int) -> Image.Image:
    rows, columns = np.ogrid[:height, :width]
    odd = (rows // _CHECKER_SQUARE + columns // _CHECKER_SQUARE) % 2
    return Image.fromarray(np.where(odd, *reversed(_CHECKER)).astype(np.uint8)).convert("RGB")


def _font(pixels: int) -> ImageFont.FreeTypeFont:
    return cast(ImageFont.FreeTypeFont, ImageFont.load_default(pixels))  # With a size, it returns this class.


def _wide(font: ImageFont.FreeTypeFont) -> int:
    """Room for a short label, in pixels."""
    return round(_LETTERS * font.size)


def _labels_above(
    table: Sequence[Sequence[Tile]], headers: Sequence[str], font: ImageFont.FreeTypeFont, cell: int
) -> list[Tile]:
    """A label for each column, no wider than the images in the column unless these are narrow."""
    widths = [max((tile.width for tile in column if tile), default=cell) for column in zip_longest(*table)]
    return [_label(text, font, max(width, min(cell, _wide(font)))) for text, width in zip(headers, widths, strict=True)]


def _label(text: str, font: ImageFont.FreeTypeFont, width: int) -> Image.Image:
    """A line of text, shortened to at most `width` pixels."""
    line = _shortened(_plain(text), font, width)
    label = Image.new("RGB", (max(1, round(font.getlength(line))), sum(font.getmetrics())), _PAPER)
    ImageDraw.Draw(label).text((0, 0), line, font=font, fill=_INK)
    return label


def _plain(text: str) -> str:
    """`text` in the characters of the built-in font: accents are dropped, other characters become question marks."""
    letters = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return " ".join(letters.encode("ascii", "replace").decode().split())


def _shortened(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """`line` without its middle if it is too wide. Names often differ at the end."""
    kept, short = len(line), line
    while kept > 1 and font.getlength(short) > width:
        kept -= 1
        short = line[: -(-kept // 2)] + _ELLIPSIS + line[len(line) - kept // 2 :]
    return short


def _aligned_right(labels: Sequence[Image.Image]) -> list[Tile]:
    width = max(label.width for label in labels)
    aligned: list[Tile] = []
    for label in labels:
        tile = Image.new("RGB", (width, label.height), _PAPER)
        tile.paste(label, (width - label.width, 0))
        aligned.append(tile)
    return aligned


def _laid_out(table: Sequence[Sequence[Tile]], gap: int, leading_rows: int, leading_columns: int) -> Image.Image:
    """Each tile in the middle of its cell, with `gap` pixels between cells and twice as many around the table."""
    widths = [max((tile.width for tile in column if tile), default=1) for column in zip_longest(*table)]
    heights = [max((tile.height for tile in row if tile), default=1) for row in table]
    lefts, tops = _starts(widths, gap, leading_columns), _starts(heights, gap, leading_rows)
    sheet = Image.new("RGB", (lefts[-1], tops[-1]), _PAPER)
    for row, top, height in zip(table, tops, heights, strict=False):
        for tile, left, width in zip(row, lefts, widths, strict=False):
            if tile:
                sheet.paste(tile, (left + (width - tile.width) // 2, top + (height - tile.height) // 2))
    return sheet


def _starts(lengths: Sequence[int], gap: int, leading: int) -> list[int]:
    """Where each row or column starts, in pixels, and where the sheet ends; a wider gap after the `leading` first."""
    gaps = [gap] * (len(lengths) - 1) + [2 * gap]
    if 0 < leading < len(lengths):
        gaps[leading - 1] *= _SET_OFF
    return list(accumulate(map(add, lengths, gaps), initial=2 * gap))


def _gap(cell: int) -> int:
    """Pixels between two cells."""
    return max(_SMALLEST_GAP, cell // 24)


def _titled(sheet: Image.Image, title: str | None, cell: int) -> Image.Image:
    if title is None:
        return sheet
    gap = _gap(cell)
    label = _label(title, _font(max(14, cell // 10)), sheet.width - 4 * gap)
    titled = Image.new("RGB", (sheet.width, sheet.height + label.height + 2 * gap), _PAPER)
    titled.paste(label, ((sheet.width - label.width) // 2, 2 * gap))
    titled.paste(sheet, (0, label.height + 2 * gap))
    return titled
