"""What a training step sees."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from imgxlate.data.pictures import Rejected

__all__ = ["Batch", "Rejected"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of both domains, (B, 3, H, W) float32 in [-1, 1], and the files that they come from."""

    a: Tensor
    b: Tensor
    files_a: tuple[Path, ...]
    files_b: tuple[Path, ...]
    rejected: tuple[Rejected, ...] = ()  # files that were first found to be of no use for this batch

    def to(self, device: torch.device) -> "Batch":
        """The same batch with its pictures on `device`, in channels-last layout."""
        a, b = (
            pictures.to(device, non_blocking=True, memory_format=torch.channels_last) for pictures in (self.a, self.b)
        )
        return replace(self, a=a, b=b)
