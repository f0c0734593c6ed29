"""The images of a training step."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from imgxlate.data.dataset import Rejected


@dataclass(frozen=True, slots=True)
class Batch:
    """Images of both domains, (B, C, H, W) float32 in [-1, 1], and the files that they come from."""

    a: Tensor
    b: Tensor
    files_a: tuple[Path, ...]
    files_b: tuple[Path, ...]
    rejected: tuple[Rejected, ...] = ()  # unusable files that were first found for this batch

    def to(self, device: torch.device) -> "Batch":
        """The same batch with its images on `device`, in channels-last layout."""
        a, b = (images.to(device, non_blocking=True, memory_format=torch.channels_last) for images in (self.a, self.b))
        return replace(self, a=a, b=b)
