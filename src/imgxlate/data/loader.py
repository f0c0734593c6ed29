"""The batches of a training run, from any step on."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imgxlate.data.batch import Batch
from imgxlate.data.config import DataConfig
from imgxlate.data.dataset import DrawnImages, Rejected, UnpairedDataset
from imgxlate.data.folders import Folders
from imgxlate.data.workers import computed_ahead


@contextlib.contextmanager
def open_batches(
    folders: Folders,
    config: DataConfig,
    *,
    seed: int,
    batch_size: int,  # of the global batch, over all processes of the training
    positions: range | None = None,  # of this process in the global batch; None: all
    start_step: int = 0,
    pin_memory: bool = False,  # keep the tensors in memory from which a CUDA device can copy them
) -> Iterator[Iterator[Batch]]:
    """The endless batches of `start_step`, `start_step + 1`, ...

    The images depend on `folders`, `seed` and `config` alone. Neither the number of workers, which prepare batches
    ahead of time, nor the number of processes that share a batch changes them. An unusable file is reported in the
    first batch for which it was drawn.

    Raises:
        ImageError: on `next`: a folder has no usable image.
        ImgxlateError: at the start or on `next`: a worker could not be started, or was killed.
    """
    dataset = UnpairedDataset(folders, config, seed, range(batch_size) if positions is None else positions, batch_size)
    with computed_ahead(dataset, start_step, config.workers) as drawn:
        yield _batches(drawn, pin_memory)


def _batches(drawn: Iterable[tuple[DrawnImages, DrawnImages]], pin_memory: bool) -> Iterator[Batch]:
    reported: set[Path] = set()
    for a, b in drawn:
        yield Batch(
            _tensor(a.pixels, pin_memory),
            _tensor(b.pixels, pin_memory),
            a.files,
            b.files,
            tuple(_unreported((*a.rejected, *b.rejected), reported)),
        )


def _unreported(rejected: Iterable[Rejected], reported: set[Path]) -> Iterator[Rejected]:
    for file in rejected:
        if file.path not in reported:
            reported.add(file.path)
            yield file


def _tensor(pixels: np.ndarray, pin_memory: bool) -> Tensor:
    """(B, H, W, 3) uint8, or (B, H, W, C) float32, to (B, C, H, W) float32 in [-1, 1], in channels-last layout."""
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    if pixels.dtype == np.uint8:
        images = images.to(torch.float32).div_(127.5).sub_(1)
    return images.pin_memory() if pin_memory else images
