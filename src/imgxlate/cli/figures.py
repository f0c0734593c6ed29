"""Reads and checks the options of `imgxlate neural-style` for figures of the paper."""

from collections.abc import Mapping
from typing import Any, Literal

from imgxlate.errors import UsageError
from imgxlate.methods.spec import FigureSpec


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
