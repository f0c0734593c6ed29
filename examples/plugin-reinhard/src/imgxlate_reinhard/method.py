"""The translator: moves the colors of an image from one domain's statistics to the other's."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch import Tensor

from imgxlate.plugin import Checkpoint, CheckpointError, Domain
from imgxlate_reinhard import ReinhardConfig
from imgxlate_reinhard.color import from_opponent, to_opponent

KEYS = ("A.mean", "A.deviation", "B.mean", "B.deviation")


class Reinhard:
    """Shifts and stretches colors from one domain's statistics to the other's (Reinhard, Equations 10 and 11)."""

    config = ReinhardConfig()
    targets: tuple[Domain, ...] = ("B", "A")
    stride = 1
    minimum_side = 1

    def __init__(self, statistics: Mapping[str, Tensor]) -> None:
        self._statistics = {key: statistics[key].float() for key in KEYS}

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the translator from the statistics that `fit` wrote.

        Raises:
            CheckpointError: the file holds something else.
        """
        if checkpoint.header.get("method") != "reinhard" or not set(KEYS) <= set(checkpoint.tensors):
            raise CheckpointError(
                f"{checkpoint.path}: holds no color statistics",
                hint="Make some with `python -m imgxlate_reinhard.fit DATA_A DATA_B -o FILE`.",
            )
        return cls(checkpoint.tensors)

    def tensors(self) -> dict[str, Tensor]:
        """The statistics of both domains, each (3,)."""
        return dict(self._statistics)

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move to `device`. The statistics stay in float32, whatever `dtype` is."""
        self._statistics = {key: value.to(device) for key, value in self._statistics.items()}

    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield the images (B, 3, H, W) in the other domain's colors."""
        source = "A" if to == "B" else "B"
        scale = self._of(to, "deviation") / self._of(source, "deviation")
        opponent = (to_opponent(images) - self._of(source, "mean")) * scale + self._of(to, "mean")
        yield from_opponent(opponent).clamp(-1, 1)

    def _of(self, domain: str, statistic: str) -> Tensor:
        return self._statistics[f"{domain}.{statistic}"].view(1, 3, 1, 1)
