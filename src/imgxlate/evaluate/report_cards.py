"""The cards of models as HTML. Cards are Markdown: headings, paragraphs, tables, links, emphasis, code."""

from collections.abc import Iterable, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_TOP_HEADING = 4  # The level that a card's first level becomes: the page's own headings are above it.

_PUBLIC = ("https://", "http://", "mailto:")


def card_html(markdown: str) -> str:
    """The card as HTML that can stand inside a page: its HTML is shown as text, its pictures as what they stand for.

    Links that lead nowhere outside the card's folder become plain text.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("image", _alternative)
    tokens = parser.parse(markdown)
    for token in tokens:
        _fit(token)
    return str(parser.renderer.render(tokens, parser.options, {}))


def _alternative(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """The words for a picture: the page is one file, and the picture's own is not in it."""
    return renderer.renderInlineAsText(tokens[index].children, options, env)


def _fit(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1]) + _TOP_HEADING - 1)}"
    if token.type in ("th_open", "td_open"):
        _align_by_class(token)
    _unlink(token.children or ())


def _align_by_class(token: Token) -> None:
    """The page's security policy refuses style attributes, which is how the parser aligns a table's cells."""
    style: Any = token.attrs.pop("style", "")
    if style:
        token.attrSet("class", str(style).removeprefix("text-align:"))


def _unlink(inline: Iterable[Token]) -> None:
    """Make plain text of links to files beside the card, which are not in the page."""
    local = False
    for token in inline:
        if token.type == "link_open":
            local = not str(token.attrGet("href")).startswith(_PUBLIC)
        if token.type in ("link_open", "link_close") and local:
            token.tag, token.attrs = "span", {}
