"""Gradient accumulation: a step in several parts of its batch, whose gradients are averaged before the update."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from imgxlate.data.batch import Batch
from imgxlate.methods.protocol import Noise
from imgxlate.methods.spec import Domain

Codes = TypeVar("Codes")

Images = dict[Domain, Tensor]
"""Images (B, C, H, W) in [-1, 1] of each domain."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """A part of a batch."""

    images: Images
    noise: Noise


def micro_batches(batch: Batch, noise: Noise, count: int, dtype: torch.dtype) -> list[MicroBatch]:
    """The batch in `count` parts of one size. Images are in `dtype`, and have the noise that they have in the batch."""
    parts = zip(batch.a.chunk(count), batch.b.chunk(count), _split_noise(noise, count), strict=True)
    return [MicroBatch({"A": a.to(dtype), "B": b.to(dtype)}, own) for a, b, own in parts]


class EncodedParts(Generic[Codes]):
    """The parts of a batch with the codes of their images, for several updates that start from the same encoders.

    The images of a single part are encoded once. Those of several parts are encoded again for each update, because the
    codes of all parts together would take as much memory as the whole batch.
    """

    def __init__(self, parts: Sequence[MicroBatch], encode: Callable[[Images], Codes]) -> None:
        self._parts = parts
        self._encode = encode
        self._codes = [encode(parts[0].images)] if len(parts) == 1 else []

    def __iter__(self) -> Iterator[tuple[Images, Codes, Noise]]:
        """Yield images, codes and noise of each part."""
        for part in self._parts:
            yield part.images, self._codes[0] if self._codes else self._encode(part.images), part.noise


def _split_noise(noise: Noise, count: int) -> list[Noise]:
    """The noise of each part. All parts make the same draws in the same order; the first one draws for the batch."""
    drawn: list[Tensor] = []
    return [noise] if count == 1 else [_part_of(noise, drawn, index, count) for index in range(count)]


def _part_of(noise: Noise, drawn: list[Tensor], index: int, count: int) -> Noise:
    numbers = itertools.count()

    def draw(shape: Sequence[int]) -> Tensor:
        number = next(numbers)
        if number == len(drawn):
            drawn.append(noise(shape))
        return drawn[number].chunk(count)[index]

    return draw
