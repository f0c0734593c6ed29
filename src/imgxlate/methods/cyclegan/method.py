"""CycleGAN's translation: one pass through the generator of the direction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import UsageError
from imgxlate.methods.cyclegan import checkpoints
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import AnyGenerator, Generator
from imgxlate.methods.protocol import Graph, NetworkReading
from imgxlate.methods.shared import resnets
from imgxlate.methods.spec import OTHER, Domain
from imgxlate.nn import NormStatistics
from imgxlate.nn.norms import set_norm_statistics
from imgxlate.nn.stages import Stage


class Cyclegan:
    """A loaded model: a generator for one direction, or for both. U-Nets compute images whole, not in bands."""

    def __init__(
        self, config: CycleganConfig, generators: Mapping[Domain, AnyGenerator], notes: Sequence[str] = ()
    ) -> None:
        """`generators` are by the domain whose images they take, the default direction first."""
        self.config = config
        self.notes = notes
        self._generators: dict[Domain, AnyGenerator] = {OTHER[domain]: one for domain, one in generators.items()}
        first = next(iter(generators.values()))
        self.stride, self.minimum_side = first.stride, first.minimum_side
        self.targets: tuple[Domain, ...] = tuple(self._generators)

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> "Cyclegan":
        """Build the generators that `checkpoint` holds, and the one beside it that goes the other way.

        `options` are the original's training options, or empty.

        Raises:
            CheckpointError: the file holds another network, or contradicts `options`.
            UsageError: `options` are no options of CycleGAN's.
        """
        config, generators, notes = checkpoints.load(checkpoint, options)
        kind = ResnetCyclegan if config.network == "resnet" else Cyclegan
        return kind(config, generators, notes)

    @classmethod
    def networks(cls, checkpoint: Checkpoint) -> Sequence[NetworkReading]:
        """The generators that `checkpoint` holds, layer by layer.

        Raises:
            CheckpointError: the file holds another network.
        """
        return checkpoints.networks(checkpoint)

    def tensors(self) -> dict[str, Tensor]:
        """The weights under the original's keys, behind `G_A.` for the generator that takes A, `G_B.` for the other."""
        return {
            f"G_{OTHER[target]}.{name}": tensor
            for target, generator in self._generators.items()
            for name, tensor in generator.state_dict().items()
        }

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the generators to `device`; their last residual block multiplies in `dtype`, all else in float32."""
        for generator in self._generators.values():
            if isinstance(generator, Generator):
                resnets.place(generator, device, dtype)
            else:
                generator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def set_norm_statistics(self, statistics: NormStatistics) -> bool:
        """Let all batch norms use `statistics`. Returns whether there are any."""
        found = [set_norm_statistics(generator, statistics) for generator in self._generators.values()]
        return any(found)

    @torch.inference_mode()
    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield one batch of translated images (B, C, H, W); the method has no styles.

        Raises:
            UsageError: the model has no generator for that direction.
        """
        yield self._generator(to)(images)

    def _generator(self, to: Domain) -> AnyGenerator:
        if to not in self._generators:
            raise UsageError(
                f"this model translates to {self.targets[0]} only", hint="Give the generator of the other direction."
            )
        return self._generators[to]

    def original_files(self, step: int | None) -> dict[str, dict[str, Tensor]]:
        """The original's files, by their names after `step` steps of training, if that is known.

        Raises:
            UsageError: the original has no such generators.
        """
        return checkpoints.original_files(self._generators, step)

    def graphs(self) -> list[Graph]:
        """A graph for each direction."""
        return [
            resnets.graph(target, generator, self.config.channels(OTHER[target]))
            for target, generator in self._generators.items()
        ]


class ResnetCyclegan(Cyclegan):
    """A loaded model of ResNets, which are sequences of stages, so that images are computed in bands."""

    def content_stages(self, to: Domain) -> list[Stage]:
        """None: the generator takes the image."""
        return []

    def image_stages(self, to: Domain, style: Tensor | None) -> list[Stage]:
        """The generator.

        Raises:
            UsageError: the model has no generator for that direction.
        """
        return cast(Generator, self._generator(to)).stages()
