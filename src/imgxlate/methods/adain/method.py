"""AdaIN's translation: features of the image, with the statistics of those of a style image, decoded."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch import Tensor

from imgxlate import checkpoint as checkpoints
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import UsageError
from imgxlate.methods.adain.config import FEATURES, AdainConfig
from imgxlate.methods.adain.networks import (
    Decoder,
    Encoder,
    adaptive_instance_norm,
    channels_of,
    minimum_side,
    normalizing_stage,
    statistics,
    stride_of,
    style_of_means,
    style_stages,
)
from imgxlate.methods.file_kinds import refusal
from imgxlate.methods.shared.checkpoints import build, configure
from imgxlate.methods.spec import Domain
from imgxlate.methods.tensor_names import networks_in
from imgxlate.nn.convolution import set_compute_dtype
from imgxlate.nn.stages import Stage
from imgxlate.paths import assets_dir

_ANCHOR = "conv1_1.conv.weight"  # the decoder's last convolution
_PREFIX = "decoder."


class Adain:
    """A loaded decoder, and its encoder from the package. A style code holds a style image's statistics (1, 2 C)."""

    targets: tuple[Domain, ...] = ("B",)

    def __init__(self, config: AdainConfig, encoder: Encoder, decoder: Decoder) -> None:
        self.config = config
        self.style_dim = 2 * channels_of(config.layer)
        self.stride, self.minimum_side = stride_of(config.layer), minimum_side(config.layer)
        self._encoder = encoder
        self._decoder = decoder

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the decoder that `checkpoint` holds; there are no options.

        Raises:
            CheckpointError: the file holds another network.
            UsageError: `options` are given.
        """
        if options:
            raise UsageError("adain reads no configuration file beside a checkpoint", hint="Leave out --config.")
        found = networks_in(checkpoint.tensors, _ANCHOR)
        if not found or checkpoint.header.get("method", "adain") != "adain":
            raise refusal(checkpoint, "adain")
        tensors = next(iter(found.values()))
        deepest = max(name.split(".")[0] for name in tensors)
        config = configure(AdainConfig, {"layer": deepest.replace("conv", "relu")}, {}, checkpoint)
        decoder = build(lambda: Decoder(config.layer), tensors, str(checkpoint.path))
        encoder = Encoder(config.layer, checkpoints.read(assets_dir() / f"{FEATURES}.safetensors"))
        return cls(config, encoder.eval(), decoder)

    def tensors(self) -> dict[str, Tensor]:
        """The decoder's weights."""
        return {f"{_PREFIX}{name}": tensor for name, tensor in self._decoder.state_dict().items()}

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the networks to `device`; their convolutions multiply in `dtype`, all else is in float32."""
        for network in (self._encoder, self._decoder):
            network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            if dtype is not torch.float32:
                set_compute_dtype(network, dtype)

    @torch.inference_mode()
    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield painted images (B, 3, H, W) for each of `styles` (S, style_dim); the content is encoded once.

        Raises:
            UsageError: there are no styles, or they have another length.
        """
        styles = self._checked(styles)
        content = self._encoder(images)
        for style in styles.to(images):
            yield self._decoder(adaptive_instance_norm(content, style.expand(len(images), -1)))

    @torch.inference_mode()
    def encode_style(self, images: Tensor, domain: Domain) -> Tensor:
        """The style codes (B, style_dim) of images: means and deviations of the features."""
        return statistics(self._encoder(images))

    def content_stages(self, to: Domain) -> list[Stage]:
        """The encoder."""
        return self._encoder.stages()

    def image_stages(self, to: Domain, style: Tensor | None) -> list[Stage]:
        """The norm with a style code (1, style_dim), and the decoder.

        Raises:
            UsageError: there is no style, or it has another length.
        """
        return [normalizing_stage(self._checked(style)), *self._decoder.stages()]

    def style_stages(self, domain: Domain) -> list[Stage]:
        """The encoder, and the squares of its features beside them."""
        return style_stages(self._encoder, channels_of(self.config.layer))

    def style_code(self, domain: Domain, mean: Tensor) -> Tensor:
        """The style code (1, style_dim) from the means of features and of their squares."""
        return style_of_means(mean)

    def _checked(self, styles: Tensor | None) -> Tensor:
        if styles is None or styles.dim() != 2 or styles.shape[1] != self.style_dim:
            given = "none" if styles is None else tuple(styles.shape)
            raise UsageError(f"this model of adain needs style codes (S, {self.style_dim}), not {given}")
        return styles
