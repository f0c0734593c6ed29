"""What a comparison keeps of the pictures: files and numbers of all, thumbnails of the first rows."""

from collections.abc import Mapping, Sequence

from imgxlate.evaluate.comparison import Made, Row
from imgxlate.images.grids import contact_sheet, thumbnail
from imgxlate.images.image_array import ImageArray
from imgxlate.images.inputs import Source

Column = tuple[str, int | None]
"""A column of the grid: an entrant's key, and which of its styles."""


class Collection:
    """Grows as pictures are made, in any order, by some thumbnails and a few numbers each."""

    def __init__(self, sources: Sequence[Source], headers: Mapping[Column, str], shown: int) -> None:
        self._made: dict[Source, list[Made]] = {source: [] for source in sources}
        self._headers = headers
        self._shown = shown  # rows of the grid
        self._inputs: dict[Source, ImageArray] = {}
        self._outputs: dict[Source, dict[Column, ImageArray]] = {}

    def add(self, source: Source, content: ImageArray, made: Made, picture: ImageArray) -> None:
        """Keep what there is to know of a picture that was made of `content`."""
        self._made[source].append(made)
        if source not in self._inputs and len(self._inputs) < self._shown:
            self._inputs[source], self._outputs[source] = thumbnail(content), {}
        if source in self._inputs:
            self._outputs[source][made.entrant, made.style] = thumbnail(picture)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The inputs of which something was made, in their order."""
        return tuple(Row(source.path, tuple(made)) for source, made in self._made.items() if made and source.path)

    def sheet(self) -> ImageArray:
        """The grid: a row an input, itself first."""
        rows = [
            [self._inputs[source], *map(self._outputs[source].get, self._headers)]
            for source in self._made
            if source in self._inputs
        ]
        return contact_sheet(rows, column_headers=["input", *self._headers.values()])
