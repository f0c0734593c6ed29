"""AdaIN's training (arXiv 1703.06868): the decoder learns to invert the encoder for features of any style."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError
from imgxlate.methods.adain.config import AdainConfig, AdainTrainingConfig
from imgxlate.methods.adain.networks import (
    Decoder,
    Encoder,
    adaptive_instance_norm,
    minimum_side,
    statistics,
    stride_of,
)
from imgxlate.methods.protocol import Losses, StepContext
from imgxlate.methods.shared.accumulation import Images, micro_batches
from imgxlate.methods.shared.crop import require_crop
from imgxlate.methods.shared.cuda_graphs import StepGraphs, graphed
from imgxlate.methods.shared.optimization import TrainedNetworks, join_states, split_state
from imgxlate.nn.initialization import seeded
from imgxlate.nn.precision import MixedPrecision, at_least_float32

_PART = "decoder"  # in the state


class AdainTraining:
    """A decoder in training, and the encoder whose features it decodes."""

    def __init__(self, config: AdainTrainingConfig, encoder: Encoder, decoder: Decoder) -> None:
        self.config = config
        self._encoder = encoder
        self._decoder = decoder
        self._trained = TrainedNetworks(
            {_PART: decoder},
            config,
            lambda step: 1 / (1 + config.lr_decay * step),
            muon=config.optimizer == "muon",
        )
        self._device = torch.device("cpu")
        self._dtype = torch.float32
        self._precision = MixedPrecision()
        self._graphs = StepGraphs(self._device, compiled=False)

    @classmethod
    def create(cls, config: AdainTrainingConfig, features: Checkpoint | None) -> Self:
        """A decoder with initial weights from `config.seed`; `features` is the encoder, VGG-19.

        Raises:
            UsageError: the crop is too small for the networks or no multiple of their stride.
            CheckpointError: `features` is no VGG network, or is missing.
        """
        if features is None:
            raise CheckpointError("AdaIN needs the weights of VGG-19, its encoder")
        layer = config.gen.layer
        require_crop(config.data, f"a decoder of {layer}", least=minimum_side(layer), multiple=stride_of(layer))
        with seeded(config.seed):
            decoder = Decoder(config.gen.layer)
        return cls(config, Encoder(config.gen.layer, features), decoder)

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move everything to `device`, to multiply in `dtype`; weights and losses are in float32 at least."""
        self._device = device
        self._dtype = torch.promote_types(dtype, torch.float32)
        self._precision = MixedPrecision(bf16=dtype is torch.bfloat16)
        self._graphs = StepGraphs(device, compiled=compiled)
        self._trained.place(device, self._dtype)
        self._encoder.to(device=device, dtype=self._dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for network in (self._encoder, self._decoder) if compiled else ():
            network.compile(dynamic=False)

    @graphed
    def train_step(self, batch: Batch, context: StepContext) -> Losses:
        """Update the decoder. Returns the losses and the norm of the gradient."""
        parts = micro_batches(batch, context.noise, self.config.accumulate, self._dtype)
        losses, norm = self._trained.update_by_parts(
            (self._losses(part.images) for part in parts), lambda losses: losses["total"], context
        )
        return losses | {"grad_decoder": norm}

    def _losses(self, images: Images) -> Losses:
        """The losses of content images A in the styles of style images B (Eqs. 9 to 13), as mean squared errors."""
        with torch.no_grad():
            content = self._features(images["A"])[-1]
            styles = [statistics(features) for features in self._features(images["B"])]
            target = adaptive_instance_norm(content, styles[-1])
        output = self._features(self._precision.run(self._decoder, target))
        content_loss, style_loss = losses_of(output, target, styles)
        total = self.config.content_weight * content_loss + self.config.style_weight * style_loss
        return {"content": content_loss, "style": style_loss, "total": total}

    def _features(self, images: Tensor) -> list[Tensor]:
        with self._precision.autocast(self._device):
            return [at_least_float32(features) for features in self._encoder.features(images)]

    def state(self) -> dict[str, Tensor]:
        """The decoder and its optimizer."""
        return join_states({_PART: self._trained.state()})

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore a state that `state` returned.

        Raises:
            CheckpointError: the tensors do not fit the configuration; names the first that does not.
        """
        self._trained.load_state(split_state(tensors, [_PART])[_PART])

    def generators(self) -> dict[str, Tensor]:
        """The decoder's live weights, by the names that files have for them."""
        return dict(self._trained.networks.state_dict())

    def architecture(self) -> AdainConfig:
        """The configuration of the decoder."""
        return self.config.gen


def losses_of(output: Sequence[Tensor], target: Tensor, styles: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The content loss and the style loss of images (Eqs. 12 and 13), from their features at each layer.

    `target` are the normalized features of the content at the last layer, and `styles` the statistics of the style
    images at each.
    """
    errors = [_statistics_error(features, style) for features, style in zip(output, styles, strict=True)]
    return functional.mse_loss(output[-1], target), torch.stack(errors).sum()


def _statistics_error(features: Tensor, style: Tensor) -> Tensor:
    """The errors of means and of deviations at one layer, added (Eq. 13)."""
    pairs = zip(statistics(features).chunk(2, 1), style.chunk(2, 1), strict=True)
    return torch.stack([functional.mse_loss(*pair) for pair in pairs]).sum()
