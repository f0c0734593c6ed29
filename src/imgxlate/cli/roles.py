"""Which images of `imgxlate neural-style` are painted, and which are styles."""

from collections.abc import Sequence

from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.methods.spec import FigureSpec

_LISTED = 3  # names in a note


def inputs_of(
    figure: FigureSpec | None, content: str, others: list[str], named: list[str], *, regions: bool = False
) -> tuple[list[str], list[str]]:
    """The inputs, each of which gets an output, and the style images that go into every output.

    `others` are the arguments after `content`: style images, or more inputs if style images are `named` by --style.
    With `regions`, which have their own styles, no style image is needed.

    Raises:
        UsageError: style images are missing, or the figure takes none.
    """
    contents, styles = ([content, *others], named) if named else ([content], others)
    if figure and figure.style == "input":
        return styles or contents, []
    if figure and figure.style == "none" and styles:
        raise UsageError(f"--reconstruct content takes no style image: {styles[0]}", hint="Leave it out.")
    if not styles and not regions and not (figure and figure.style == "none"):
        raise UsageError(
            f"{'--sweep' if figure else 'neural-style'} needs a style image beside {content}",
            hint="Type `imgxlate neural-style CONTENT STYLE`, with options after it.",
        )
    return contents, styles


def roles_note(contents: Sequence[Source], styles: Sequence[Source], *, are_named: bool) -> str:
    """Tells the user which images are painted, and in which style. `are_named`: whether --style gives the styles."""
    note = f"painting {_listed(contents)} in the style of {_listed(styles)}"
    if len(styles) > 1 and not are_named:
        note += ", mixed. To paint several images in one style: `neural-style IMAGE... --style IMAGE`"
    return note


def _listed(sources: Sequence[Source]) -> str:
    """The first names, and the number of the others."""
    names = [source.name for source in sources[:_LISTED]]
    rest = len(sources) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")
