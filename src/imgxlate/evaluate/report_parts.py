"""Parts of the report: columns of numbers, images inside the page, cards of models. Imports no torch."""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.images.encode import encode
from imgxlate.images.image_array import ImageArray
from imgxlate.images.limits import DEFAULT, Limits
from imgxlate.metrics.measure import Measure

_DIGITS = 3  # of the smallest number of a column, if the largest permits
_LEAST_DIGITS = 2  # of each number
_MOST_DECIMALS = 9
_ABSENT = "–"  # noqa: RUF001  (an en dash, as is usual in tables)

_LONGEST_SIDE = 512  # pixels
_JPEG_QUALITY = 85  # A page of a hundred images stays below 10 MB; at 95 it is nearly twice as large.

_TOP_HEADING = 4  # the level of a card's first heading, below the headings of the page
_PUBLIC = ("https://", "http://", "mailto:")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a column."""

    text: str
    key: str | None  # for sorting by a script; None: there is no number
    best: bool = False


def numbers(values: Sequence[float | None]) -> list[Number]:
    """The values of a column with equal decimals, or more if a value would round to 0. None and NaN are absent."""
    decimals = _decimals([abs(value) for value in values if value is not None and math.isfinite(value)])
    return [_number(value, decimals) for value in values]


def ranked(measure: Measure, values: Sequence[float | None]) -> list[Number]:
    """`numbers` with the best marked: all that are equally good, but none if all values are equal."""
    column = numbers(values)
    present = {value for value in values if value is not None and not math.isnan(value)}
    if measure.better is None or len(present) < 2:
        return column
    best = max(present) if measure.better == "higher" else min(present)
    return [replace(number, best=value == best) for number, value in zip(column, values, strict=True)]


def _decimals(sizes: Sequence[float]) -> int:
    """The decimals that show all digits of the smallest number, but at most one digit more than that of the largest."""
    orders = [_order(size) for size in sizes if size]
    if not orders:
        return 0
    return max(0, min(_DIGITS - 1 - min(orders), _DIGITS - max(orders)))


def _order(size: float) -> int:
    """The power of ten of its first digit."""
    return math.floor(math.log10(size))


def _number(value: float | None, decimals: int) -> Number:
    if value is None or math.isnan(value):
        return Number(_ABSENT, None)
    if math.isinf(value):
        return Number("∞" if value > 0 else "−∞", "Infinity" if value > 0 else "-Infinity")  # noqa: RUF001
    if value:
        decimals = min(_MOST_DECIMALS, max(decimals, _LEAST_DIGITS - 1 - _order(abs(value))))
    return Number(f"{value:,.{decimals}f}".replace("-", "−"), repr(float(value)))  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Embedded:
    """An image as a `data:` address."""

    address: str
    width: int  # pixels
    height: int  # pixels
    transparent: bool  # in part or as a whole


def embed(file: Path, limits: Limits = DEFAULT) -> Embedded:
    """The image in `file`, upright, its longer side at most 512 pixels: PNG if it is transparent, else JPEG.

    Raises:
        ImageError: the file cannot be read.
    """
    image = _reduced(decode(file, limits=limits))
    transparent = image.alpha is not None and bool((image.alpha < 255).any())
    kind = "png" if transparent else "jpeg"
    data = base64.b64encode(encode(image, f".{kind}", jpeg_quality=_JPEG_QUALITY)).decode("ascii")
    height, width = image.size
    return Embedded(f"data:image/{kind};base64,{data}", width, height, transparent)


def _reduced(image: ImageArray) -> ImageArray:
    """The image at most `_LONGEST_SIDE` long; colors are weighted by opacity, so that transparent ones do not show."""
    scale = _LONGEST_SIDE / max(image.size)
    if scale >= 1:
        return image
    height, width = (max(1, round(side * scale)) for side in image.size)
    pillow = Image.fromarray(np.ascontiguousarray(image.rgb))
    if image.alpha is not None:
        pillow.putalpha(Image.fromarray(np.ascontiguousarray(image.alpha)))
    pixels = np.asarray(pillow.resize((width, height), Image.Resampling.LANCZOS))
    return ImageArray(pixels[..., :3], None if image.alpha is None else pixels[..., 3])


def card_html(markdown: str) -> str:
    """A model's card as HTML for the page. HTML in the card is shown as text, and images as their alternative text.

    Links to files beside the card, which are not in the page, become plain text.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("image", _alternative_text)
    tokens = parser.parse(markdown)
    for token in tokens:
        _adapt(token)
    return str(parser.renderer.render(tokens, parser.options, {}))


def _alternative_text(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return renderer.renderInlineAsText(tokens[index].children, options, env)


def _adapt(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1]) + _TOP_HEADING - 1)}"
    if token.type in ("th_open", "td_open"):
        _align_by_class(token)
    _remove_local_links(token.children or ())


def _align_by_class(token: Token) -> None:
    """Replace the style attribute that aligns a table's cell, because the page's security policy forbids it."""
    style: Any = token.attrs.pop("style", "")
    if style:
        token.attrSet("class", str(style).removeprefix("text-align:"))


def _remove_local_links(inline: Iterable[Token]) -> None:
    local = False
    for token in inline:
        if token.type == "link_open":
            local = not str(token.attrGet("href")).startswith(_PUBLIC)
        if token.type in ("link_open", "link_close") and local:
            token.tag, token.attrs = "span", {}
