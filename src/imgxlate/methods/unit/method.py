"""UNIT's translation: the latent code of the input, decoded by the other domain's generator."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.protocol import Graph, NetworkReading
from imgxlate.methods.shared import autoencoders
from imgxlate.methods.spec import OTHER, Domain
from imgxlate.methods.unit import checkpoints
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.networks import Generator, minimum_side
from imgxlate.nn.stages import Stage


class Unit:
    """A loaded UNIT model: a generator for each domain."""

    def __init__(self, config: UnitConfig, generators: Mapping[Domain, Generator]) -> None:
        self.config = config
        self.targets: tuple[Domain, ...] = ("B", "A")
        self.stride = 2**config.n_downsample
        self.minimum_side = minimum_side(config)
        self._generators = generators

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the generators that `checkpoint` holds; `options` is the original's yaml, or empty.

        Raises:
            CheckpointError: the file holds another network, one domain only, or contradicts `options`.
            UsageError: `options` is no configuration of UNIT's.
        """
        return cls(*checkpoints.load(checkpoint, options))

    @classmethod
    def networks(cls, checkpoint: Checkpoint) -> Sequence[NetworkReading]:
        """The generators that `checkpoint` holds, layer by layer.

        Raises:
            CheckpointError: the file holds another network, or one domain only.
        """
        return checkpoints.networks(checkpoint)

    def tensors(self) -> dict[str, Tensor]:
        """The weights under the original's keys: those of A behind `a.`, those of B behind `b.`."""
        return autoencoders.weights(self._generators)

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the generators to `device`; the decoders' last blocks multiply in `dtype`, all else in float32."""
        autoencoders.place(self._generators, device, dtype)

    @torch.inference_mode()
    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield one batch of translated images (B, C, H, W); the method has no styles."""
        latent = self._generators[OTHER[to]].encode(images)
        yield self._generators[to].decode(latent)

    def content_stages(self, to: Domain) -> list[Stage]:
        """The encoder."""
        return self._generators[OTHER[to]].enc.stages()

    def image_stages(self, to: Domain, style: Tensor | None) -> list[Stage]:
        """The decoder; the method has no styles."""
        return self._generators[to].dec.stages()

    def original_files(self, step: int | None) -> dict[str, dict[str, dict[str, Tensor]]]:
        """The original's file, by its name after `step` steps of training, if that is known.

        Raises:
            UsageError: the original has no such generators.
        """
        return autoencoders.original_files(self.config, self._generators, step)

    def graphs(self) -> list[Graph]:
        """A graph for each direction."""
        return checkpoints.graphs(self._generators, self.config)
