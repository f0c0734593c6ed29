"""The batches of a training run, from any step on."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imgxlate.data.batch import Batch
from imgxlate.data.config import DataConfig
from imgxlate.data.folders import Folders
from imgxlate.data.pictures import Drawn, Rejected, preparation
from imgxlate.data.processes import computed_ahead


@contextlib.contextmanager
def open_batches(
    folders: Folders,
    config: DataConfig,
    *,
    seed: int,
    batch_size: int,
    places: range | None = None,
    start_step: int = 0,
    pin_memory: bool = False,
) -> Iterator[Iterator[Batch]]:
    """The endless batches of `start_step`, `start_step + 1`, ...: of `batch_size` pictures, those at `places`, or all.

    They depend on `folders`, `seed`, and what `config` says of the pictures, and not on the number of its workers,
    which prepare them ahead of time, nor on how several processes share them. A file that is of no use is in the first
    batch that drew it. `pin_memory`: the tensors lie where a CUDA device can fetch them.

    Raises:
        ImageError: on `next`: a folder has no picture that can be used.
        ImgxlateError: at the start or on `next`: a worker could not be started, or was killed.
    """
    prepare = preparation(folders, config, seed, range(batch_size) if places is None else places, batch_size)
    with computed_ahead(prepare, start_step, config.workers) as pictures:
        yield _batches(pictures, pin_memory)


def _batches(pictures: Iterable[tuple[Drawn, Drawn]], pin_memory: bool) -> Iterator[Batch]:
    named: set[Path] = set()
    for a, b in pictures:
        yield Batch(
            _tensor(a.pixels, pin_memory),
            _tensor(b.pixels, pin_memory),
            a.files,
            b.files,
            tuple(_first_time((*a.rejected, *b.rejected), named)),
        )


def _first_time(rejected: Iterable[Rejected], named: set[Path]) -> Iterator[Rejected]:
    for file in rejected:
        if file.path not in named:
            named.add(file.path)
            yield file


def _tensor(pixels: np.ndarray, pin_memory: bool) -> Tensor:
    """(B, H, W, 3) uint8 to (B, 3, H, W) float32 in [-1, 1], in channels-last layout."""
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)
    return pictures.pin_memory() if pin_memory else pictures
