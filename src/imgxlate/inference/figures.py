"""Paints figures of a method's paper: an image for each part of a plan, laid out in a contact sheet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imgxlate.callbacks import ignore
from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray
from imgxlate.inference.stylization import StyleTransfer, load_stylizer, painted, stylize
from imgxlate.methods.protocol import Iterate
from imgxlate.methods.spec import FigurePart, FigurePlan, FigureSpec


@dataclass(frozen=True, slots=True)
class PaintedPart:
    """An image of a figure."""

    part: FigurePart
    image: ImageArray
    losses: Mapping[str, float]  # of the image
    iterations: int  # over all scales


def paint_figure(
    spec: FigureSpec,
    plan: FigurePlan,
    transfer: StyleTransfer,
    original: ImageArray,
    *,
    styles: Sequence[ImageArray] = (),  # for a figure whose style images are given
    init: ImageArray | None = None,  # the image to start from
    seed: int = 0,
    on_iteration: Callable[[int, int | None, str], None] = ignore,  # iterations done, their total if known, and a text
) -> list[PaintedPart]:
    """Paint every image of the figure of `original`, one after the other.

    Raises:
        UsageError: a style image is missing, or the number of style weights differs from that of the style images.
        DivergedError: a loss is not finite.
    """
    outcomes: list[PaintedPart] = []
    done = 0
    guides = [original] if spec.style == "input" else styles
    for number, part in enumerate(plan.parts, start=1):
        iterates: list[Iterate] = []
        stylizer = load_stylizer(transfer.spec, part.config, transfer.features, transfer.device, transfer.arithmetic)
        device, limit, fast = transfer.device, transfer.memory, transfer.arithmetic.fast
        for iterate in stylize(stylizer, device, original, guides, init, seed, limit=limit, fast=fast):
            iterates.append(iterate)
            total = len(plan.parts) * iterate.iterations if iterate.scales == 1 else None
            text = f"{number} of {len(plan.parts)}: {part.label}, loss {iterate.losses['total']:.3g}"
            on_iteration(done + len(iterates), total, text)
        done += len(iterates)
        outcomes.append(_painted_part(part, original, iterates))
    return outcomes


def lay_out_figure(
    spec: FigureSpec, plan: FigurePlan, name: str, original: ImageArray, images: Sequence[ImageArray]
) -> ImageArray:
    """The sheet with the images of a plan in full size. Reconstructions stand beside their original, named `name`."""
    columns = len(plan.column_headers)
    rows = [list(images[start : start + columns]) for start in range(0, len(images), columns)]
    beside = spec.style != "given"
    return contact_sheet(
        [[original, *row] for row in rows] if beside else rows,
        column_headers=["original", *plan.column_headers] if beside else plan.column_headers,
        row_headers=plan.row_headers,
        leading_columns=1 if beside else 0,
        cell=max(images[0].size),
        title=f"{name}: {spec.title}",
    )


def _painted_part(part: FigurePart, original: ImageArray, iterates: Sequence[Iterate]) -> PaintedPart:
    last = iterates[-1]
    at_full_size = [iterate.losses for iterate in iterates if iterate.scale == last.scale]
    best = min(at_full_size, key=lambda losses: losses["total"])  # The result is the best image that was evaluated.
    return PaintedPart(part, painted(original, last), best, len(iterates))
