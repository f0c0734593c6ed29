"""Grids that show the translation of each content image with each style, and interpolation between two styles."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from imgxlate.callbacks import ignore
from imgxlate.images.grids import contact_sheet, thumbnail
from imgxlate.images.image_array import ImageArray
from imgxlate.inference.large import OnBand
from imgxlate.inference.model import Model
from imgxlate.inference.style_codes import StyleCodes
from imgxlate.methods.spec import Domain


@dataclass(frozen=True, slots=True)
class Style:
    """A row of the grid: the label of its style, and the thumbnail of the style image, if there is one."""

    label: str
    image: ImageArray | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A content image and its translations with every style, as thumbnails."""

    name: str
    content: ImageArray
    outputs: tuple[ImageArray, ...]  # one for each style


@dataclass(slots=True)
class StyleGrid:
    """A grid of content images (columns) and styles (rows). It keeps only thumbnails of the images."""

    model: Model
    to: Domain
    codes: StyleCodes  # one for each of `styles`
    styles: Sequence[Style]
    cell: int  # longer side of a thumbnail, in pixels
    size: int | None = None  # shorter side to translate at, in pixels; None: the size of the content image
    columns: list[Column] = field(default_factory=list)

    def add(self, name: str, content: ImageArray, on_band: OnBand = ignore) -> None:
        """Translate a content image with every style. Its content code is computed once."""
        codes = torch.tensor(self.codes.codes)
        translated = self.model.translate_array(content, self.to, codes, self.size, on_band=on_band)
        outputs = tuple(thumbnail(output, self.cell) for output in translated)
        self.columns.append(Column(name, thumbnail(content, self.cell), outputs))

    def draw(self) -> ImageArray:
        """Draw the sheet: the content images on top, a row for each style below, and style images at the left.

        Raises:
            ValueError: the grid has no content image.
        """
        has_images = any(style.image for style in self.styles)
        rows: list[list[ImageArray | None]] = [[column.content for column in self.columns]]
        rows += [[column.outputs[index] for column in self.columns] for index in range(len(self.styles))]
        if has_images:
            rows = [[image, *row] for image, row in zip((None, *(s.image for s in self.styles)), rows, strict=True)]
        return contact_sheet(
            rows,
            column_headers=[*(["style"] if has_images else []), *(column.name for column in self.columns)],
            row_headers=["input", *(style.label for style in self.styles)],
            leading_rows=1,
            leading_columns=int(has_images),
            cell=self.cell,
        )


def interpolate(codes: StyleCodes, count: int) -> StyleCodes:
    """`count` codes on the straight line from the first to the second of `codes`, both included, exact in float32."""
    first, second = np.array(codes.codes[:2], np.float32)
    weights = np.linspace(0, 1, count, dtype=np.float32)[:, None]  # (count, 1)
    between = (1 - weights) * first + weights * second
    return StyleCodes(tuple(map(tuple, between.tolist())))


def interpolated_rows(images: Sequence[ImageArray], count: int) -> list[Style]:
    """The rows of `count` interpolated codes, labeled by the weight of the second style.

    `images` holds both style images, or none.
    """
    ends = dict(zip((0, count - 1), images, strict=False))
    return [Style(f"{index / (count - 1):.2f}", ends.get(index)) for index in range(count)]
