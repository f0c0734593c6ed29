"""CUT's translation: one pass through the generator, from A to B."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import UsageError
from imgxlate.methods.cut import checkpoints
from imgxlate.methods.cut.networks import Generator
from imgxlate.methods.protocol import Graph, NetworkReading
from imgxlate.methods.shared import resnets
from imgxlate.methods.spec import Domain
from imgxlate.nn import NormStatistics
from imgxlate.nn.norms import set_norm_statistics
from imgxlate.nn.stages import Stage


class Cut:
    """A loaded CUT model."""

    targets: tuple[Domain, ...] = ("B",)

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self.config = generator.config
        self.stride, self.minimum_side = generator.stride, generator.minimum_side

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the generator that `checkpoint` holds; `options` are the original's training options, or empty.

        Raises:
            CheckpointError: the file holds another network, or contradicts `options`.
            UsageError: `options` are no options of CUT's.
        """
        return cls(checkpoints.load(checkpoint, options))

    @classmethod
    def networks(cls, checkpoint: Checkpoint) -> Sequence[NetworkReading]:
        """The generator that `checkpoint` holds, layer by layer.

        Raises:
            CheckpointError: the file holds another network.
        """
        return checkpoints.networks(checkpoint)

    def tensors(self) -> dict[str, Tensor]:
        """The weights under the original's keys, behind `G.`."""
        return {f"G.{name}": tensor for name, tensor in self._generator.state_dict().items()}

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the generator to `device`; its last residual block multiplies in `dtype`, all else in float32."""
        resnets.place(self._generator, device, dtype)

    def set_norm_statistics(self, statistics: NormStatistics) -> bool:
        """Let all batch norms use `statistics`. Returns whether there are any."""
        return set_norm_statistics(self._generator, statistics)

    @torch.inference_mode()
    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield one batch of translated images (B, C, H, W); the method has no styles.

        Raises:
            UsageError: `to` is A.
        """
        _require_direction(to)
        yield self._generator(images)

    def content_stages(self, to: Domain) -> list[Stage]:
        """None: the generator takes the image."""
        return []

    def image_stages(self, to: Domain, style: Tensor | None) -> list[Stage]:
        """The generator.

        Raises:
            UsageError: `to` is A.
        """
        _require_direction(to)
        return self._generator.stages()

    def original_files(self, step: int | None) -> dict[str, dict[str, Tensor]]:
        """The original's file, by its name after `step` steps of training, if that is known.

        Raises:
            UsageError: the original has no such generator.
        """
        return checkpoints.original_files(self._generator, step)

    def graphs(self) -> list[Graph]:
        """The generator."""
        return [resnets.graph("B", self._generator, self.config.channels_a)]


def _require_direction(to: Domain) -> None:
    if to != "B":
        raise UsageError(
            "a model of CUT translates from A to B only",
            hint="For the other direction, train a model with the folders in the other order.",
        )
