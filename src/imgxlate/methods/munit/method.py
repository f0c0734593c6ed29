"""MUNIT's translation: the content code of the input, decoded with style codes of the other domain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import UsageError
from imgxlate.methods.munit import checkpoints
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.networks import Generator, minimum_side
from imgxlate.methods.protocol import Graph, NetworkReading
from imgxlate.methods.shared import autoencoders
from imgxlate.methods.spec import OTHER, Domain
from imgxlate.nn.stages import Stage


class Munit:
    """A loaded MUNIT model: a generator for each domain."""

    def __init__(self, config: MunitConfig, generators: Mapping[Domain, Generator]) -> None:
        self.config = config
        self.targets: tuple[Domain, ...] = ("B", "A")
        self.style_dim = config.style_dim
        self.stride = 2**config.n_downsample
        self.minimum_side = minimum_side(config)
        self._generators = generators

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the generators that `checkpoint` holds; `options` is the original's yaml, or empty.

        Raises:
            CheckpointError: the file holds another network, one domain only, or contradicts `options`.
            UsageError: `options` is no configuration of MUNIT's.
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
        """Yield translated images (B, C, H, W) for each of `styles` (S, style_dim); content is encoded once.

        Raises:
            UsageError: there are no styles, or they have another length.
        """
        styles = self._checked(styles)
        content = self._generators[OTHER[to]].enc_content(images)
        for style in styles.to(images):
            yield self._generators[to].decode(content, style.expand(len(images), -1))

    @torch.inference_mode()
    def encode_style(self, images: Tensor, domain: Domain) -> Tensor:
        """The style codes (B, style_dim) of images of `domain`."""
        codes: Tensor = self._generators[domain].enc_style(images)
        return codes

    def content_stages(self, to: Domain) -> list[Stage]:
        """The content encoder."""
        return self._generators[OTHER[to]].enc_content.stages()

    def image_stages(self, to: Domain, style: Tensor | None) -> list[Stage]:
        """The decoder with a style code (1, style_dim).

        Raises:
            UsageError: there is no style, or it has another length.
        """
        return self._generators[to].decoder_stages(self._checked(style))

    def style_stages(self, domain: Domain) -> list[Stage]:
        """The style encoder before its mean over all positions."""
        return self._generators[domain].enc_style.stages()

    def style_code(self, domain: Domain, mean: Tensor) -> Tensor:
        """The style code (1, style_dim) from the mean (C,) of the last features."""
        return self._generators[domain].enc_style.code(mean)

    def _checked(self, styles: Tensor | None) -> Tensor:
        if styles is None or styles.dim() != 2 or styles.shape[1] != self.style_dim:
            given = "none" if styles is None else tuple(styles.shape)
            raise UsageError(f"munit needs style codes (S, {self.style_dim}), not {given}")
        return styles

    def original_files(self, step: int | None) -> dict[str, dict[str, dict[str, Tensor]]]:
        """The original's file, by its name after `step` steps of training, if that is known.

        Raises:
            UsageError: the original has no such generators.
        """
        return autoencoders.original_files(self.config, self._generators, step)

    def graphs(self) -> list[Graph]:
        """Content encoder, style encoder and decoder of each domain."""
        return checkpoints.graphs(self._generators, self.config)
