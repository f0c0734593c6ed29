"""VGG features of large images, and gradients by the image, in bands of rows and with little memory.

The network is cut into blocks at poolings, where its maps are small. Only the inputs of the blocks are kept. A band of
a block is computed from its rows of the input, with a halo: rows above and below on which its values depend. For the
gradient, each band is computed once more, so that only the features of one band are in memory (checkpointing: Chen et
al., arXiv 1604.06174). The result is that of the whole image.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imgxlate.nn.bands import Rows
from imgxlate.nn.vgg import Vgg

_PIECE = 1 << 20  # values that are handed out at once: those that a sum in float32 copies stay in the processor's cache
_MOST_KEPT = 8  # values of a map between blocks, for each pixel of the image
_COPIES = 5  # memory of a band with its gradients, in units of the outputs of its convolutions, measured


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a layer, at some of its rows."""

    layer: str
    rows: Rows
    values: Tensor  # (1, C, h, W)

    @property
    def positions(self) -> int:
        """The number of positions."""
        return self.values.shape[2] * self.values.shape[3]

    def pieces(self) -> "Iterator[Features]":
        """The same, in smaller parts."""
        step = max(_PIECE // self.values[:, :, 0].numel(), 1)
        for top in range(0, len(self.rows), step):
            values = self.values[:, :, top : top + step]
            start = self.rows.top + top
            yield Features(self.layer, Rows(start, start + values.shape[2]), values)

    def cut(self, whole: Tensor) -> Tensor:
        """The same rows of a tensor (1, C, H, W) that has all rows of the layer."""
        return whole[:, :, self.rows.top : self.rows.bottom]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive layers."""

    layers: Mapping[str, int]  # by name: rows of the block's input for a row of the layer
    channels: int  # of the output
    halo: int  # rows of the input; a multiple of the stride
    values: float  # of the outputs of its convolutions, for each position of the input

    @property
    def last(self) -> str:
        """The layer that is the output."""
        return [*self.layers][-1]

    @property
    def stride(self) -> int:
        """Rows of the input for a row of the output."""
        return self.layers[self.last]


@dataclass(frozen=True, slots=True)
class _Band:
    rows: Rows  # of the input of a block; the top is a multiple of the stride
    padded: slice  # the same with the halo


def compute(network: Vgg, image: Tensor, layers: Collection[str], band_memory: int | None) -> Iterator[Features]:
    """Yield the features of an image (1, 3, H, W) in [-1, 1] at each of `layers`.

    They are those of the whole image, or of bands that take about `band_memory` bytes each. Those of bands have no
    gradient.
    """
    if band_memory is None:
        for name, values in network(image, layers).items():
            yield Features(name, Rows(0, values.shape[2]), values)
    else:
        yield from BandedFeatures(network, image, layers, band_memory).compute()


@dataclass(frozen=True, slots=True)
class _Padded:
    """The features of a layer at a band, with the halo."""

    layer: str
    rows: Rows  # without the halo
    values: Tensor  # (1, C, h, W)
    first: int  # the row of the layer with which `values` begins

    def at(self, rows: Rows, padded: Tensor) -> Tensor:
        """These rows of a tensor like `values`."""
        return padded[:, :, rows.top - self.first : rows.bottom - self.first]

    @property
    def features(self) -> Features:
        """Those without the halo."""
        return Features(self.layer, self.rows, self.at(self.rows, self.values))


class BandedFeatures:
    """The features of an image (1, 3, H, W) in [-1, 1] at each of `layers`. A band takes about `memory` bytes."""

    def __init__(self, network: Vgg, image: Tensor, layers: Collection[str], memory: int) -> None:
        self._network = network
        self._image = image
        self._layers = layers
        self._memory = memory
        self._blocks = blocks(network, layers)
        self._inputs: list[Tensor] = []  # of the blocks that were computed

    @torch.no_grad()
    def compute(self) -> Iterator[Features]:
        """Yield the features, from the first block to the last, each from top to bottom."""
        x = self._image
        for block in self._blocks:
            output = None if block is self._blocks[-1] else self._empty_output(block, x)
            for band in self._bands(block, x):
                found = self._features(block, band, x[:, :, band.padded])
                for part in found:
                    if part.layer in self._layers:
                        yield from part.features.pieces()
                if output is not None:
                    last = found[-1].features
                    last.cut(output).copy_(last.values)
            self._inputs.append(x)
            x = x if output is None else output

    def gradient(self, by_features: Callable[[Features], Tensor]) -> Tensor:
        """The gradient by the image, after `compute`. It frees the memory of what `compute` has kept.

        `by_features` takes the same features as `compute` yields, and returns the gradient by them.
        """
        by_output: Tensor | None = None
        for block in reversed(self._blocks):
            x = self._inputs.pop()
            by_input = torch.zeros_like(x)
            for band in self._bands(block, x):
                part = x[:, :, band.padded].detach().requires_grad_()
                found = self._features(block, band, part)
                gradients = self._gradients(found, by_features, by_output)
                [by_part] = torch.autograd.grad([each.values for each in found], part, gradients)
                by_input[:, :, band.padded] += by_part
            by_output = by_input
        return torch.zeros_like(self._image) if by_output is None else by_output

    def _empty_output(self, block: Block, x: Tensor) -> Tensor:
        """An output of a block with input `x`, without its values."""
        network = self._network
        shape = (1, block.channels, *(side // block.stride for side in x.shape[2:]))
        return torch.empty(shape, dtype=network.dtype, device=x.device, memory_format=network.memory_format)

    def _bands(self, block: Block, x: Tensor) -> Iterator[_Band]:
        """The bands of a block with input `x`."""
        height, width = x.shape[2:]
        most = max(self._memory // _row_memory(self._network, block, width) - 2 * block.halo, block.stride)
        count = -(-height // most)
        step = -(-height // (count * block.stride)) * block.stride
        tops = range(0, height // block.stride * block.stride, step)
        for top in tops:
            bottom = height if top == tops[-1] else top + step
            yield _Band(Rows(top, bottom), slice(max(top - block.halo, 0), min(bottom + block.halo, height)))

    def _features(self, block: Block, band: _Band, x: Tensor) -> list[_Padded]:
        """The features at a band, from rows of the block's input. The last ones are the block's output."""
        x = self._network.prepare(x) if block is self._blocks[0] else x
        found = self._network.advance(x, [*block.layers], {*self._layers, block.last})
        return [_padded(name, values, band, block.layers[name]) for name, values in found.items()]

    @torch.no_grad()
    def _gradients(
        self, found: Sequence[_Padded], by_features: Callable[[Features], Tensor], by_output: Tensor | None
    ) -> list[Tensor]:
        """The gradients by the features at a band. In the halo they are 0, because other bands count these rows."""
        gradients = []
        for part in found:
            # Slices under autograd would lose the memory format, and adding up gradients would become slow.
            gradient = torch.zeros_like(part.values)
            if part.layer in self._layers:
                for piece in part.features.pieces():
                    part.at(piece.rows, gradient).copy_(by_features(piece))
            if part is found[-1] and by_output is not None:
                part.at(part.rows, gradient).add_(part.features.cut(by_output))
            gradients.append(gradient)
        return gradients


def _padded(layer: str, values: Tensor, band: _Band, scale: int) -> _Padded:
    """Features at a band. The layer has a row for `scale` rows of the block's input."""
    rows = Rows(band.rows.top // scale, band.rows.bottom // scale)
    return _Padded(layer, rows, values, band.padded.start // scale)


def band_memory(network: Vgg, layers: Collection[str], width: int, rows: int) -> int:
    """The bytes that a band of so many rows takes, of an image of that width."""
    total, scale = 0, 1
    for block in blocks(network, layers):
        total = max(total, (-(-rows // scale) + 2 * block.halo) * _row_memory(network, block, width // scale))
        scale *= block.stride
    return total


def blocks(network: Vgg, layers: Collection[str]) -> list[Block]:
    """The layers up to the deepest of `layers`, in blocks that end at poolings."""
    found: list[Block] = []
    deepest, scales = network.up_to(layers), dict[str, int]()
    channels, scale, edge, values = 3, 1, 0, 0.0  # the edge is of rows that depend on those outside of a band
    for name in deepest:
        if name in network.channels:
            channels = network.channels[name]
            edge, values = edge + 1, values + channels / scale**2
        elif name.startswith("pool"):
            scale, edge = 2 * scale, -(-edge // 2)
        scales[name] = scale
        if name == deepest[-1] or (name.startswith("pool") and network.density(name) <= _MOST_KEPT):
            found.append(Block(scales, channels, edge * scale, values))
            scales, scale, edge, values = {}, 1, 0, 0.0
    return found


def _row_memory(network: Vgg, block: Block, width: int) -> int:
    """The bytes that a row of the input of a block takes, with its features and gradients."""
    return int(_COPIES * block.values * width * network.dtype.itemsize)
