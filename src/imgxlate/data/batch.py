"""What a training step sees."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Rejected:
    """An image file that was put aside, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of both domains, (B, 3, H, W) float32 in [-1, 1], and the files that they come from."""

    a: Tensor
    b: Tensor
    files_a: tuple[Path, ...]
    files_b: tuple[Path, ...]
    rejected: tuple[Rejected, ...] = ()  # files that were drawn for this batch and could not be used

    def to(self, device: torch.device) -> "Batch":
        """The same batch with its pictures on `device`, in channels-last layout."""
        a, b = (
            pictures.to(device, non_blocking=True, memory_format=torch.channels_last) for pictures in (self.a, self.b)
        )
        return replace(self, a=a, b=b)
