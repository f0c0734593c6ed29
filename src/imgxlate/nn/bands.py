"""Bands of rows on their way through a chain of layers: which rows each layer needs, and computing them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from torch import Tensor

from imgxlate.nn.stages import Affine, Local, Norm, Residual, Stage


class Branch(Enum):
    """The two ends of a residual connection."""

    SAVE = "keep the input of the next layers"
    ADD = "add the input that was kept last"


Operation = Local | Norm | Branch


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows `top` to `bottom` of a map; the last is excluded."""

    top: int
    bottom: int

    def __len__(self) -> int:
        return self.bottom - self.top

    def __or__(self, other: "Rows | None") -> "Rows":
        """The rows of both, and those between them."""
        return self if other is None else Rows(min(self.top, other.top), max(self.bottom, other.bottom))


@dataclass(frozen=True, slots=True)
class Need:
    """The rows that a chain needs, for a band of its output."""

    outputs: tuple[Rows, ...]  # of each operation
    input: Rows
    saved: tuple[Rows | None, ...]  # of each map saved before the chain; None: the chain does not use it
    band: Rows  # of the output
    saves: tuple[bool, ...]  # for each map saved after the chain, whether it is an output


def flatten(stages: Iterable[Stage]) -> list[Operation]:
    """The operations of `stages`, in their order."""
    found: list[Operation] = []
    for stage in stages:
        if isinstance(stage, Residual):
            found += [Branch.SAVE, *flatten(stage.stages), Branch.ADD]
        else:
            found.append(stage)
    return found


def heights(chain: Sequence[Operation], height: int) -> list[int]:
    """The height of the output of each operation, for an input of `height` rows. It also holds for widths."""
    found = []
    for operation in chain:
        if isinstance(operation, Local):
            height = height * operation.scale // operation.stride
        found.append(height)
    return found


def need(chain: Sequence[Operation], height: int, band: Rows, saves: Sequence[bool]) -> Need:
    """The rows that `chain` needs, whose input has `height` rows, for the rows `band` of its outputs.

    `saves` says for each map that is saved after the chain whether it is an output.
    """
    rows = band
    stack = [band if output else None for output in saves]
    outputs = []
    for operation, side in reversed(list(zip(chain, [height, *heights(chain, height)], strict=False))):
        outputs.append(rows)
        if operation is Branch.ADD:
            stack.append(rows)
        elif operation is Branch.SAVE:
            rows |= stack.pop()
        elif isinstance(operation, Local):
            rows = _input_rows(operation, rows, side)
    return Need(tuple(reversed(outputs)), rows, tuple(stack), band, tuple(saves))


def _input_rows(layer: Local, band: Rows, height: int) -> Rows:
    """The input rows, of `height`, for a band of the output. They begin at a multiple of the stride."""
    stride, scale = layer.stride, layer.scale
    top = (band.top // scale * stride - layer.reach) // stride * stride
    bottom = -(-(-(-band.bottom // scale) * stride + layer.reach) // stride) * stride
    return Rows(max(top, 0), min(bottom, height))


def evaluate(
    chain: Sequence[Operation],
    needed: Need,
    x: Tensor,
    saved: Sequence[Tensor | None],
    affine: Callable[[Norm], Affine],
) -> list[Tensor]:
    """A band of the output, and of the saved maps that are outputs.

    `x` and `saved` (1, C, H, W) have the rows `needed`; `affine` returns the map of a norm. Layers pad their input also
    where the band ends inside of the image. The rows that this falsifies are cut off.
    """
    rows = needed.input
    stack: list[tuple[Tensor | None, Rows | None]] = list(zip(saved, needed.saved, strict=True))
    for operation, band in zip(chain, needed.outputs, strict=True):
        if operation is Branch.SAVE:
            stack.append((x, rows))
        elif operation is Branch.ADD:
            x = x + _cut(*stack.pop(), rows)
        elif isinstance(operation, Norm):
            x = affine(operation)(x)
        elif isinstance(operation, Local):
            x = operation.compute(x)
            rows = Rows(*(row * operation.scale // operation.stride for row in (rows.top, rows.bottom)))
        x, rows = _cut(x, rows, band), band
    outputs = (entry for entry, output in zip(stack, needed.saves, strict=True) if output)
    return [_cut(x, rows, needed.band), *(_cut(*entry, needed.band) for entry in outputs)]


def _cut(x: Tensor | None, rows: Rows | None, band: Rows) -> Tensor:
    """The rows `band` of `x`, which has `rows`."""
    if x is None or rows is None:
        raise ValueError("a saved map is missing")
    return x if rows == band else x[:, :, band.top - rows.top : band.bottom - rows.top]
