"""Reads and checks the options of `imgxlate neural-style` for figures of the paper."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.methods.spec import FigureSpec

_LISTED = 3  # names in a note


def figure_name(reconstruct: Literal["content", "style"] | None, sweep: bool) -> str | None:
    """The name of the figure to paint, or None if the options name no figure.

    Raises:
        UsageError: the options name two figures.
    """
    if reconstruct and sweep:
        raise UsageError("--reconstruct and --sweep exclude each other")
    if sweep:
        return "sweep"
    return f"reconstruct-{reconstruct}" if reconstruct else None


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


def require_fitting(
    figure: FigureSpec | None,
    *,
    given: Mapping[str, Any],
    save_every: int | None,
    sweep_ratios: str | None,
    depth: Literal["8", "16"],
) -> None:
    """Refuse options that have no effect on the figure. `given` are the options that set the configuration.

    Raises:
        UsageError: an option has no effect.
    """
    if save_every and figure:
        raise UsageError("--save-every cannot be combined with --reconstruct or --sweep")
    if depth == "16" and figure:
        raise UsageError("--depth 16 cannot be combined with --reconstruct or --sweep: a contact sheet has 8 bits")
    if sweep_ratios is not None and not (figure and figure.ratios):
        raise UsageError("--sweep-ratios needs --sweep")
    for key in sorted(figure.sets) if figure else ():
        if given.get(key) is not None:
            raise UsageError(
                f"--{key.replace('_', '-')} is set by the figure itself",
                hint="--sweep-ratios sets the weight of content against style." if figure and figure.ratios else None,
            )


def parse_ratios(figure: FigureSpec, text: str | None) -> tuple[float, ...]:
    """The ratios of a sweep. Default: the ratios of the figure.

    Raises:
        UsageError: `text` is not a list of numbers.
    """
    try:
        return figure.ratios if text is None else tuple(map(float, text.split(",")))
    except ValueError as error:
        raise UsageError(
            f"--sweep-ratios {text}: must be a list of numbers", hint="For example: 1e-4,1e-3,1e-2."
        ) from error
