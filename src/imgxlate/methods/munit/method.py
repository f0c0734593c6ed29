"""MUNIT's translation: the content code of the input, decoded with style codes of the other domain."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import UsageError
from imgxlate.methods.munit import legacy
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.networks import STYLE_DOWNSAMPLE, Generator
from imgxlate.methods.spec import Domain
from imgxlate.nn.blocks import set_compute_dtype

# How many of a decoder's last residual blocks bear bfloat16 within two grey levels. What is rounded earlier grows.
_ROUNDED_BLOCKS = 2


class Munit:
    """A loaded MUNIT model: a generator for each domain."""

    def __init__(self, config: MunitConfig, generators: Mapping[Domain, Generator]) -> None:
        self.config = config
        self.targets: tuple[Domain, ...] = ("B", "A")
        self.style_dim = config.style_dim
        self.stride = 2**config.n_downsample
        # Codes of 2 x 2 positions: reflection and instance norms need as many. So does the style encoder's last layer.
        self.minimum_side = 2 * max(self.stride, 2 ** (STYLE_DOWNSAMPLE - 1))
        self._generators = generators

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the generators that `checkpoint` holds; `options` is the original's yaml, or empty.

        Raises:
            CheckpointError: the file holds something else, one domain only, or contradicts `options`.
            UsageError: `options` is no configuration of MUNIT's.
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
        """Yield a batch of pictures (B, 3, H, W) for each of `styles` (S, style_dim); content is encoded once.

        Raises:
            UsageError: there are no styles, or of another length.
        """
        if styles is None or styles.dim() != 2 or styles.shape[1] != self.style_dim:
            given = "none" if styles is None else tuple(styles.shape)
            raise UsageError(f"munit needs style codes (S, {self.style_dim}), not {given}")
        content = self._generators["A" if to == "B" else "B"].enc_content(images)
        for style in styles.to(images):
            yield self._generators[to].decode(content, style.expand(len(images), -1))

    @torch.inference_mode()
    def encode_style(self, images: Tensor, domain: Domain) -> Tensor:
        """The style codes (B, style_dim) of images of `domain`."""
        codes: Tensor = self._generators[domain].enc_style(images)
        return codes
