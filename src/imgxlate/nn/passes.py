"""Computes a network on an image of any size, in bands of rows and within a budget of memory.

The result is that of the whole image. A pass over the image ends at a norm: it takes the moments of the norm's input.
Then the norm maps each channel by itself, like any other layer, and the next pass goes on behind it. The output of a
pass is kept, or computed again by the next pass if that takes less time than a scratch file.
"""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from imgxlate.callbacks import ignore
from imgxlate.errors import is_out_of_memory
from imgxlate.memory import release_freed_memory
from imgxlate.nn.bands import Branch, Need, Operation, Rows, evaluate, flatten, heights, need
from imgxlate.nn.maps import BlockPool, Map, RowSource, Shape
from imgxlate.nn.moving_moments import moved
from imgxlate.nn.stages import Affine, Local, Moments, Norm, Stage

_COPIES = 3  # memory of a convolution, in units of its input and its output: padded copies and buffers
_WIDEST_REACH = 48  # rows; behind layers that reach farther, a map is kept
_PRODUCTS_PER_BYTE = 60  # multiplications in the time of writing a byte to a scratch file and reading it again


@dataclass(frozen=True, slots=True)
class Shares:
    """How maps and bands share the memory, in bytes."""

    maps: int  # for the maps between passes
    band: int  # for the computation of a band


@dataclass(frozen=True, slots=True)
class Pass:
    """The computation of a map, by bands."""

    chain: tuple[Operation, ...]
    inputs: tuple[Shape, ...]  # the map, and those that are saved before the chain
    outputs: tuple[Shape | int, ...]  # the map, and those that are saved after the chain; a number: that input
    norm: Norm | None  # the norm whose moments are taken
    keeps: bool  # whether the next pass begins with the outputs; otherwise it begins with the inputs
    rows: int  # of the output in a band
    products: int  # multiplications in all

    @property
    def output(self) -> Shape:
        """The size of the map that is computed."""
        return _shape(self.outputs[0], self.inputs)

    @property
    def bands(self) -> int:
        """The number of bands."""
        return -(-self.output.height // self.rows)

    @property
    def longest_row(self) -> int:
        """The most memory, in bytes, of a row of an input or an output."""
        shapes = [*self.inputs, *(output for output in self.outputs if isinstance(output, Shape))]
        return max(shape.row_bytes for shape in shapes)

    def need(self, band: Rows) -> Need:
        """The rows that a band of the output needs."""
        return _need(self.chain, self.inputs, self.outputs, band)


def plan_passes(stages: Sequence[Stage], source: Shape, shares: Shares) -> list[Pass]:
    """The passes that compute `stages` for a map of that shape. The last one's output is the result."""
    passes: list[Pass] = []
    inputs: tuple[Shape, ...] = (source,)
    chain: list[Operation] = []
    for operation in [*flatten(stages), None]:
        if operation is None or isinstance(operation, Norm) or _reach(chain, inputs) > _WIDEST_REACH:
            passes.append(_pass(chain, inputs, operation if isinstance(operation, Norm) else None, shares))
            if passes[-1].keeps:
                inputs, chain = tuple(_shape(output, inputs) for output in passes[-1].outputs), []
        if operation:
            chain.append(operation)
    return [*passes[:-1], replace(passes[-1], keeps=False)]


def whole_memory(stages: Sequence[Stage], source: Shape) -> int:
    """The memory, in bytes, that computing `stages` for a whole map takes. This is an estimate."""
    chain = flatten(stages)
    shapes, _ = _trace(chain, (source,))
    return _band_memory(chain, (source,), shapes[-1].height)


def run_passes(
    passes: Sequence[Pass],
    source: RowSource,
    write: Callable[[Tensor], None],
    pool: BlockPool,
    *,
    frees_source: bool = False,  # free the rows of the source, a `Map`, as soon as they are no longer needed
    on_products: Callable[[int], None] = ignore,  # takes the multiplications done since the last call
) -> None:
    """Compute `passes`. `write` takes the rows of the result (1, C, h, W), from top to bottom.

    Maps between passes are kept in `pool`. If memory runs out nevertheless, bands get smaller.

    Raises:
        DeviceError: the scratch file cannot be written.
    """
    with contextlib.ExitStack() as stack:
        state = _State([source], [frees_source])
        for step in passes:
            is_last = step is passes[-1]
            maps = [stack.enter_context(contextlib.closing(kept)) for kept in _maps(step, pool)]
            moments = _run_pass(
                step, state, maps, write if is_last else ignore, on_products, frees=step.keeps or is_last
            )
            if step.norm and moments:
                state.affines[step.norm] = step.norm.affine(moved(moments))
            if step.keeps:
                state.replace(step.outputs, maps)
            release_freed_memory()  # The next pass takes blocks of other sizes.


def _maps(step: Pass, pool: BlockPool) -> list[Map]:
    """The maps that a pass writes for the next one.

    The next pass reads the output. Saved maps are read later, so the scratch file takes these first.
    """
    if not step.keeps:
        return []
    return [
        Map(output, pool, beside=step.output if number else None)
        for number, output in enumerate(step.outputs)
        if isinstance(output, Shape)
    ]


@dataclass(slots=True)
class _State:
    """The maps that a pass begins with, and the norms whose moments are known."""

    inputs: list[RowSource]
    owned: list[bool]  # whether the memory of an input may be freed
    affines: dict[Norm, Affine] = field(default_factory=dict)

    def replace(self, outputs: Sequence[Shape | int], maps: Sequence[Map]) -> None:
        """Begin the next pass with `outputs`; `maps` are those that are no inputs."""
        remaining = iter(maps)
        found = [
            (self.inputs[output], self.owned[output]) if isinstance(output, int) else (next(remaining), True)
            for output in outputs
        ]
        for index, (before, owned) in enumerate(zip(self.inputs, self.owned, strict=True)):
            if owned and isinstance(before, Map) and index not in outputs:
                before.close()
        self.inputs, self.owned = [entry for entry, _ in found], [owned for _, owned in found]

    def free(self, needed: Need, outputs: Sequence[Shape | int]) -> None:
        """Free the rows above those that are needed from now on."""
        for index, (rows, source) in enumerate(zip((needed.input, *needed.saved), self.inputs, strict=True)):
            if rows and self.owned[index] and isinstance(source, Map) and index not in outputs:
                source.drop(rows.top)


def _run_pass(
    step: Pass,
    state: _State,
    maps: Sequence[Map],
    write: Callable[[Tensor], None],
    on_products: Callable[[int], None],
    *,
    frees: bool,
) -> Moments | None:
    """Compute all bands of the outputs, and return the moments of the first one if there is a norm."""
    moments: Moments | None = None
    top, rows, height = 0, step.rows, step.output.height
    while top < height:
        band = Rows(top, min(top + rows, height))
        try:
            values, part = _compute(step, state, band)
        except (MemoryError, RuntimeError) as error:
            if rows == 1 or not is_out_of_memory(error):
                raise
            rows = -(-rows // 2)
            continue
        moments = part.joined(moments) if part else None
        write(values[0])
        for kept in reversed(maps):  # The map itself may be an input; then only saved maps are kept.
            kept.append(values.pop())
        del values  # Free it before the next band is computed.
        top = band.bottom
        if frees and top < height:
            state.free(step.need(Rows(top, top + 1)), step.outputs)
        on_products(step.products * band.bottom // height - step.products * band.top // height)
    return moments


def _compute(step: Pass, state: _State, band: Rows) -> tuple[list[Tensor], Moments | None]:
    """A band of the output, and of each saved map that is an output; the moments of the first if there is a norm."""
    needed = step.need(band)
    source, *others = state.inputs
    saved = [other.read(rows) if rows else None for other, rows in zip(others, needed.saved, strict=True)]
    values = evaluate(step.chain, needed, source.read(needed.input), saved, state.affines.__getitem__)
    return values, Moments.of(values[0]) if step.norm else None


def _pass(chain: Sequence[Operation], inputs: tuple[Shape, ...], norm: Norm | None, shares: Shares) -> Pass:
    """The pass of `chain`, whose outputs are kept if `norm` is None or that is faster than computing them again."""
    shapes, outputs = _trace(chain, inputs)
    products = sum(
        operation.products * shape.height * shape.width
        for operation, shape in zip(chain, shapes, strict=True)
        if isinstance(operation, Local)
    )
    held = sum(shape.bytes for shape in (_shape(output, inputs) for output in outputs))
    keeps = norm is None or max(held - shares.maps, 0) * _PRODUCTS_PER_BYTE <= products
    height = _shape(outputs[0], inputs).height
    counts = (-(-height // bands) for bands in itertools.count(1))
    rows = next(rows for rows in counts if rows == 1 or _band_memory(chain, inputs, rows) <= shares.band)
    return Pass(tuple(chain), inputs, outputs, norm, keeps, rows, products)


def _shape(output: Shape | int, inputs: Sequence[Shape]) -> Shape:
    return inputs[output] if isinstance(output, int) else output


def _band_memory(chain: Sequence[Operation], inputs: tuple[Shape, ...], rows: int) -> int:
    """The memory, in bytes, that a band of `rows` of the output takes. This is an estimate."""
    shapes, outputs = _trace(chain, inputs)
    top = (_shape(outputs[0], inputs).height - rows) // 2  # in the middle: a band at the border needs fewer rows
    needed = _need(chain, inputs, outputs, Rows(top, top + rows))
    size, before = 0, inputs[0].row_bytes * len(needed.input)
    stack = [shape.row_bytes * len(part) if part else 0 for shape, part in zip(inputs[1:], needed.saved, strict=True)]
    for operation, shape, band in zip(chain, shapes, needed.outputs, strict=True):
        after = shape.row_bytes * len(band)
        copies = _COPIES if isinstance(operation, Local) and operation.products else 1
        size = max(size, sum(stack) + copies * (before + after))
        if operation is Branch.SAVE:
            stack.append(before)
        elif operation is Branch.ADD:
            stack.pop()
        before = after
    return size


def _trace(chain: Sequence[Operation], inputs: Sequence[Shape]) -> tuple[list[Shape], tuple[Shape | int, ...]]:
    """The shape of the output of each operation, and `Pass.outputs`."""
    shape, shapes = inputs[0], list[Shape]()
    output: Shape | int = 0
    stack: list[Shape | int] = list(range(1, len(inputs)))
    for operation in chain:
        if operation is Branch.SAVE:
            stack.append(output)
        else:
            if operation is Branch.ADD:
                stack.pop()
            elif isinstance(operation, Local):
                [height], [width] = heights([operation], shape.height), heights([operation], shape.width)
                shape = Shape(operation.channels, height, width)
            output = shape
        shapes.append(shape)
    return shapes, (output, *stack)


def _need(chain: Sequence[Operation], inputs: Sequence[Shape], outputs: Sequence[Shape | int], band: Rows) -> Need:
    return need(chain, inputs[0].height, band, [isinstance(output, Shape) for output in outputs[1:]])


def _reach(chain: Sequence[Operation], inputs: Sequence[Shape]) -> int:
    """About how many rows of the input, above and below, a row of the output depends on."""
    _, outputs = _trace(chain, inputs)
    middle = _shape(outputs[0], inputs).height // 2
    return len(_need(chain, inputs, outputs, Rows(middle, middle + 1)).input) // 2
