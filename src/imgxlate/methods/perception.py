"""How far made pictures are from others in the eyes of a VGG network."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.losses.perceptual import domain_invariant_error
from imgxlate.methods.perception_config import PerceptualConfig
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg


class Perception:
    """The domain-invariant perceptual loss (MUNIT, arXiv 1804.04732, Sec. 5.1) over a VGG network."""

    def __init__(self, network: Vgg, layer: str) -> None:
        self._network = network
        self._layer = layer
        poolings = sum(name.startswith("pool") for name in network.layers[: network.layers.index(layer)])
        self.smallest_side = 2 ** (poolings + 1)  # of a picture whose features have 2 x 2 positions

    @classmethod
    def load(cls, config: PerceptualConfig, features: Checkpoint | None) -> Self:
        """The loss over the network in `features`, which is what `config.network` names.

        Raises:
            CheckpointError: there is no such network, or its convention cannot be known.
            UsageError: it has no layer `config.layer`.
        """
        if features is None:
            raise CheckpointError(f"the feature network {config.network} was not given", hint="Or set vgg_w=0.")
        omitted = () if config.pool4 else ("pool4",)
        convention = None if config.convention == "auto" else config.convention
        network = vgg_files.load(features, omitted=omitted, convention=convention)
        network.require([config.layer])
        return cls(network, config.layer)

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move the network to `device`, to convolve in `dtype`, or in float32 where that is less precise.

        Rounded features will not do: instance norm makes much of channels that hardly vary, and with bfloat16 the
        gradient comes out half as long.
        """
        self._network.place(device, torch.promote_types(dtype, torch.float32))
        if compiled:
            self._network.compile(dynamic=False)

    def __call__(self, made: Sequence[Tensor], sources: Sequence[Tensor]) -> list[Tensor]:
        """The loss of each batch of `made` pictures (B, 3, H, W) by that of their sources, which get no gradient.

        Pictures are in [-1, 1]; all go through the network together.
        """
        sizes = [len(pictures) for pictures in made]
        with torch.no_grad():
            wanted = self._features(torch.cat(list(sources)))
        found = self._features(torch.cat(list(made)))
        pairs = zip(torch.split(found, sizes), torch.split(wanted, sizes), strict=True)
        return [domain_invariant_error(features, source) for features, source in pairs]

    def _features(self, pictures: Tensor) -> Tensor:
        features: Tensor = self._network(pictures, (self._layer,))[self._layer]
        return features
