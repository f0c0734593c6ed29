"""UNIT's translation: the latent code of the input, decoded by the other domain's generator."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.spec import Domain
from imgxlate.methods.unit import legacy
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.networks import Generator
from imgxlate.nn.blocks import set_compute_dtype

# How many of a decoder's last residual blocks bear bfloat16 within two grey levels. What is rounded earlier grows.
_ROUNDED_BLOCKS = 2


class Unit:
    """A loaded UNIT model: a generator for each domain."""

    def __init__(self, config: UnitConfig, generators: Mapping[Domain, Generator]) -> None:
        self.config = config
        self.targets: tuple[Domain, ...] = ("B", "A")
        self.stride = 2**config.n_downsample
        # Codes of 2 x 2 positions, which reflection and instance norms need; and 4 pixels for the 7x7 convolutions.
        self.minimum_side = max(2 * self.stride, 4)
        self._generators = generators

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the generators that `checkpoint` holds; `options` is the original's yaml, or empty.

        Raises:
            CheckpointError: the file holds something else, one domain only, or contradicts `options`.
            UsageError: `options` is no configuration of UNIT's.
        """
        return cls(*legacy.load(checkpoint, options))

    def tensors(self) -> dict[str, Tensor]:
        """The weights under the original's keys: those of A behind `a.`, those of B behind `b.`."""
        return {
            f"{domain.lower()}.{name}": tensor
            for domain, generator in self._generators.items()
            for name, tensor in generator.state_dict().items()
        }

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the generators to `device`; the decoders' last blocks multiply in `dtype`, all else in float32."""
        for generator in self._generators.values():
            generator.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for block in generator.dec.residual_blocks[-_ROUNDED_BLOCKS:]:
                set_compute_dtype(block, dtype)

    @torch.inference_mode()
    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield the one batch of pictures (B, 3, H, W) that the method gives; it has no styles."""
        latent = self._generators["A" if to == "B" else "B"].encode(images)
        yield self._generators[to].decode(latent)
