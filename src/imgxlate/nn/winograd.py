"""Winograd's convolution: fewer products than the direct sum (Lavin and Gray, arXiv 1509.09308).

Along one axis, an output tile of m positions under a kernel of r weights takes m r products. Seen as a product of two
polynomials, it is computed from their values at n = m + r - 1 points, with one product each. Along both axes, with
m = 4, a 3x3 kernel takes 36 products for a tile and a pair of channels instead of 144. With the matrices of section
4.1, a tile of the output is A' [(G g G') * (B' d B)] A: d is the input's tile, g the kernel, ' the transpose, and *
multiplies element by element. Summed over the channels, the products are n^2 products of matrices.

For a stride s, the s x s positions of a step count as channels, and the kernel has r = K / s taps per axis.

The sums are rounded differently than in a direct convolution, and the transforms cancel digits: in float32, with inputs
and outputs of about unit variance, the largest error is about 1e-4.

A map is computed in bands of tiles, so that the buffers are small and stay in the processor's cache. They are kept for
the next convolution: the system clears fresh memory, which would take as long as the products.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

_TILE = 4  # m, the side of an output tile
_POINTS = tuple(map(Fraction, (0, 1, -1, 2, -2)))  # the first n - 1 of them are used, and infinity
_BAND_VALUES = 1 << 16  # tiles of a band times channels: 9 MiB for 3x3 kernels
_FEWEST_TILES, _MOST_TILES = 64, 512  # tiles of a band, unless one row of tiles has more


@dataclass(frozen=True, slots=True)
class Geometry:
    """The sizes of a convolution with a square kernel."""

    kernel: int
    stride: int = 1
    padding: int = 0  # zeros at each side

    @property
    def taps(self) -> int:
        """Weights per axis once the positions of a stride are channels: r."""
        return self.kernel // self.stride

    def unreached(self, side: int) -> int:
        """Rows or columns at the end of the input that no output depends on."""
        return (side + 2 * self.padding - self.kernel) % self.stride

    def output_side(self, side: int) -> int:
        """Height or width of the output for an input of height or width `side`."""
        return (side + 2 * self.padding - self.kernel) // self.stride + 1


def supports(geometry: Geometry) -> bool:
    """Whether this module computes convolutions of these sizes."""
    fits = geometry.kernel % geometry.stride == 0 and geometry.padding < geometry.kernel
    return fits and geometry.taps in (2, 3)


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """Convolve (B, C, H, W) with (O, C, K, K), in float32: (B, O, H', W') in the channels-last layout."""
    transform = _transform(geometry.taps)
    weights = transform.weights(weight, geometry.stride)
    height, width = (geometry.output_side(side) for side in x.shape[2:])
    y = _empty(len(x), len(weight), height, width)
    for band in _bands(x, len(weight), geometry):
        inputs = transform.inputs(band.gather_inputs(x), band.tiles)
        outputs = _multiplied(inputs, weights.transpose(1, 2), "outputs")
        if bias is not None:
            outputs[transform.unit_point] += bias
        band.write_outputs(y.permute(0, 2, 3, 1), transform.to_output_tiles(outputs))
    return y


def gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, *, by_input: bool, by_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients by the input and by the weight, from `gradient` (B, O, H', W') by the output; None if not asked."""
    transform = _transform(geometry.taps)
    outputs, channels = weight.shape[:2]
    weights = transform.weights(weight, geometry.stride) if by_input else None
    by_x = _empty(*x.shape) if by_input else None
    if by_x is not None and any(geometry.unreached(side) for side in x.shape[2:]):
        by_x.zero_()
    by_weights = x.new_zeros(transform.points, outputs, geometry.stride**2 * channels) if by_weight else None
    for band in _bands(x, outputs, geometry):
        by_outputs = transform.from_output_tiles(band.gather_outputs(gradient), band.tiles)
        if by_weights is not None:
            by_weights.baddbmm_(by_outputs.transpose(1, 2), transform.inputs(band.gather_inputs(x), band.tiles))
        if by_x is not None and weights is not None:
            by_inputs = _multiplied(by_outputs, weights, "inputs")
            band.add_inputs(by_x.permute(0, 2, 3, 1), transform.from_inputs(by_inputs))
    return by_x, None if by_weights is None else transform.weight_gradient(by_weights, geometry.stride)


class _Buffers(threading.local):
    """Memory for intermediate results by name, for each thread."""

    def __init__(self) -> None:
        self._memory: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """An uninitialized tensor of that shape. The name's previous one is no longer valid."""
        size = math.prod(shape)
        if name not in self._memory or self._memory[name].numel() < size:
            self._memory.pop(name, None)
            with torch.inference_mode(mode=False):  # Training cannot write into a tensor of inference.
                self._memory[name] = torch.empty(size, dtype=torch.float32, device="cpu")
        return self._memory[name][:size].view(shape)


_buffers = _Buffers()


class _Transform:
    """The matrices for kernels of r x r taps, each for both axes at once."""

    def __init__(self, taps: int) -> None:
        points = _POINTS[: _TILE + taps - 2]
        self.taps = taps
        self.points = (len(points) + 1) ** 2  # n^2
        self.unit_point = len(points) + 2  # the point (1, 1): its product adds to all outputs of a tile alike
        self.output, self.weight, self.input = (
            torch.kron(matrix, matrix).float() for matrix in (_output(points), _weight(points, taps), _input(points))
        )

    def inputs(self, gathered: Tensor, tiles: int) -> Tensor:
        """The values of input tiles, from `_Band.gather_inputs`: (points, tiles, s^2 C)."""
        return _transformed(self.input, gathered, "inputs").view(self.points, tiles, -1)

    def from_inputs(self, values: Tensor) -> Tensor:
        """The gradient by input tiles, as `_Band.gather_inputs` returns them, from that by their values."""
        return _transformed(self.input.t(), values.flatten(1), "tiles")

    def to_output_tiles(self, values: Tensor) -> Tensor:
        """Output tiles, as `_Band.gather_outputs` returns them, from their values (points, tiles, O)."""
        return _transformed(self.output, values.flatten(1), "tiles")

    def from_output_tiles(self, gathered: Tensor, tiles: int) -> Tensor:
        """The gradient by the values of output tiles, from that by the tiles: (points, tiles, O)."""
        return _transformed(self.output.t(), gathered, "outputs").view(self.points, tiles, -1)

    def weights(self, weight: Tensor, stride: int) -> Tensor:
        """The values of a weight (O, C, K, K): (points, O, s^2 C)."""
        outputs, channels = weight.shape[:2]
        taps = weight.view(outputs, channels, self.taps, stride, self.taps, stride).permute(2, 4, 0, 3, 5, 1)
        return _transformed(self.weight, taps.reshape(self.taps**2, -1), "weights").view(self.points, outputs, -1)

    def weight_gradient(self, gradient: Tensor, stride: int) -> Tensor:
        """The gradient by a weight (O, C, K, K), from that by its values (points, O, s^2 C)."""
        taps, outputs = self.taps, gradient.shape[1]
        by_tap = torch.mm(self.weight.t(), gradient.flatten(1)).view(taps, taps, outputs, stride, stride, -1)
        return by_tap.permute(2, 5, 0, 3, 1, 4).reshape(outputs, -1, taps * stride, taps * stride)


def _transformed(matrix: Tensor, values: Tensor, buffer: str) -> Tensor:
    return torch.mm(matrix, values, out=_buffers.take(buffer, len(matrix), values.shape[1]))


def _multiplied(first: Tensor, second: Tensor, buffer: str) -> Tensor:
    return torch.bmm(first, second, out=_buffers.take(buffer, *first.shape[:2], second.shape[2]))


@cache
def _transform(taps: int) -> _Transform:
    return _Transform(taps)


def _output(points: Sequence[Fraction]) -> Tensor:
    """A' (m, n): the powers of each point. At infinity only the highest power counts."""
    return _matrix([[*(point**power for point in points), int(power == _TILE - 1)] for power in range(_TILE)])


def _weight(points: Sequence[Fraction], taps: int) -> Tensor:
    """G (n, r): the kernel's polynomial at each point, divided by the point's differences to the others."""
    rows = [
        [point**power / math.prod(point - other for other in points if other != point) for power in range(taps)]
        for point in points
    ]
    return _matrix([*rows, [int(power == taps - 1) for power in range(taps)]])


def _input(points: Sequence[Fraction]) -> Tensor:
    """B' (n, n): for each point, the coefficients of the polynomial that is zero at the others."""
    rows = [[*_polynomial([other for other in points if other != point]), Fraction(0)] for point in points]
    return _matrix([*rows, _polynomial(points)])


def _polynomial(roots: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients of the product of all (x - root), the constant first."""
    found, zero = [Fraction(1)], Fraction(0)
    for root in roots:
        found = [lower - root * same for lower, same in zip([zero, *found], [*found, zero], strict=True)]
    return found


def _matrix(rows: Sequence[Sequence[Fraction | int]]) -> Tensor:
    return torch.tensor([[float(value) for value in row] for row in rows], dtype=torch.float64, device="cpu")


@dataclass(frozen=True, slots=True)
class _Band:
    """Whole rows of tiles: some of one image, or all of several images."""

    geometry: Geometry
    image: int  # the first
    images: int
    row: int  # the first row of tiles
    rows: int
    columns: int

    @property
    def tiles(self) -> int:
        """The number of tiles."""
        return self.images * self.rows * self.columns

    def gather_inputs(self, x: Tensor) -> Tensor:
        """The overlapping tiles of (B, C, H, W): (n^2, tiles s^2 C)."""
        stride, side = self.geometry.stride, _TILE + self.geometry.taps - 1
        height, width = ((_TILE * count + self.geometry.taps - 1) * stride for count in (self.rows, self.columns))
        patch = _cut(self._of(x), *self._input_corner, height, width)
        image, line, column, channel = patch.stride()
        tiles = patch.as_strided(
            (side, side, len(patch), self.rows, self.columns, stride, stride, patch.shape[3]),
            (
                *(stride * line, stride * column),  # positions in a tile
                *(image, _TILE * stride * line, _TILE * stride * column),  # tiles
                *(line, column, channel),  # channels
            ),
        )
        return _buffers.take("tiles", *tiles.shape).copy_(tiles).view(side**2, -1)

    def add_inputs(self, total: Tensor, tiles: Tensor) -> None:
        """Add overlapping tiles, as `gather_inputs` returns them, to `total` (B, H, W, C), after the bands above."""
        stride, side = self.geometry.stride, _TILE + self.geometry.taps - 1
        tiles = tiles.view(side, side, self.images, self.rows, self.columns, stride, stride, -1)
        tiles = tiles.permute(2, 3, 0, 5, 4, 1, 6, 7)  # image, row, its positions and steps, column, the same, channel
        shape = (self.images, self.rows + 1, _TILE, stride, self.columns + 1, _TILE, stride, tiles.shape[7])
        patch = _buffers.take("patch", *shape)
        patch[:, self.rows :] = 0
        patch[:, :, :, :, self.columns :] = 0
        patch[:, : self.rows, :, :, : self.columns] = tiles[:, :, :_TILE, :, :, :_TILE]
        rest = side - _TILE  # The end of a tile lies on the next one.
        patch[:, 1:, :rest, :, :-1] += tiles[:, :, _TILE:, :, :, :_TILE]
        patch[:, :-1, :, :, 1:, :rest] += tiles[:, :, :_TILE, :, :, _TILE:]
        patch[:, 1:, :rest, :, 1:, :rest] += tiles[:, :, _TILE:, :, :, _TILE:]
        top, left = self._input_corner
        height = (_TILE * self.rows + rest) * stride
        patch = patch.flatten(4, 6).flatten(1, 3)[:, max(-top, 0) : height, max(-left, 0) :]
        target = self._of(total)[:, max(top, 0) :][:, : patch.shape[1], : patch.shape[2]]
        patch = patch[:, : target.shape[1], : target.shape[2]]
        shared = rest * stride if self.row else 0  # rows that the band above has set
        target[:, :shared] += patch[:, :shared]
        target[:, shared:] = patch[:, shared:]

    def gather_outputs(self, y: Tensor) -> Tensor:
        """The tiles of (B, O, H', W'): (m^2, tiles O)."""
        cut = _cut(self._of(y), _TILE * self.row, 0, _TILE * self.rows, _TILE * self.columns)
        tiles = cut.view(self.images, self.rows, _TILE, self.columns, _TILE, -1).permute(2, 4, 0, 1, 3, 5)
        return _buffers.take("tiles", *tiles.shape).copy_(tiles).view(_TILE**2, -1)

    def write_outputs(self, y: Tensor, tiles: Tensor) -> None:
        """Write tiles, as `gather_outputs` returns them, into `y` (B, H', W', O)."""
        tiles = tiles.view(_TILE, _TILE, self.images, self.rows, self.columns, -1).permute(2, 3, 0, 4, 1, 5)
        target = self._of(y)[:, _TILE * self.row : _TILE * (self.row + self.rows)]
        if target.shape[1:3] == (_TILE * self.rows, _TILE * self.columns):
            target.view(self.images, self.rows, _TILE, self.columns, _TILE, -1).copy_(tiles)
        else:  # The last tiles reach beyond the border.
            whole = tiles.reshape(self.images, _TILE * self.rows, _TILE * self.columns, -1)
            target.copy_(whole[:, : target.shape[1], : target.shape[2]])

    def _of(self, batch: Tensor) -> Tensor:
        """The band's images."""
        return batch[self.image : self.image + self.images]

    @property
    def _input_corner(self) -> tuple[int, int]:
        """The row and the column of the input at which the first tile begins."""
        padding = self.geometry.padding
        return _TILE * self.geometry.stride * self.row - padding, -padding


def _empty(*shape: int) -> Tensor:
    """An uninitialized tensor (B, C, H, W) in the channels-last layout."""
    return torch.empty(shape, dtype=torch.float32, device="cpu", memory_format=torch.channels_last)


def _cut(x: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """A rectangle of (B, C, H, W) as (B, height, width, C), with zeros outside of the image."""
    bottom, right = top + height - x.shape[2], left + width - x.shape[3]
    inside = x[:, :, max(top, 0) : top + height, max(left, 0) : left + width]
    border = [max(outside, 0) for outside in (-left, right, -top, bottom)]
    patch = (functional.pad(inside, border) if any(border) else inside).permute(0, 2, 3, 1)
    return patch if patch.stride(3) == 1 else patch.contiguous()


def _bands(x: Tensor, outputs: int, geometry: Geometry) -> list[_Band]:
    channels = max(x.shape[1] * geometry.stride**2, outputs)
    at_once = max(_FEWEST_TILES, min(_MOST_TILES, _BAND_VALUES // channels))
    rows, columns = (-(-geometry.output_side(side) // _TILE) for side in x.shape[2:])
    rows_at_once = min(rows, max(1, at_once // columns))
    images_at_once = max(1, at_once // (rows * columns))
    return [
        _Band(geometry, image, min(images_at_once, len(x) - image), row, min(rows_at_once, rows - row), columns)
        for image in range(0, len(x), images_at_once)
        for row in range(0, rows, rows_at_once)
    ]
