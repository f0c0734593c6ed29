"""The domain-invariant perceptual loss (MUNIT, arXiv 1804.04732, Sec. 5.1) over a VGG network."""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.config import DataConfig
from imgxlate.errors import CheckpointError
from imgxlate.images.pixel_format import Shown
from imgxlate.images.tensors import as_color
from imgxlate.losses.reconstruction import domain_invariant_error
from imgxlate.methods.shared.config import PerceptualConfig
from imgxlate.methods.spec import DOMAINS, OTHER, Domain
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg


class PerceptualLoss:
    """Distance between the VGG features of translated images and those of their sources."""

    def __init__(self, network: Vgg, layer: str, shown: Mapping[Domain, Shown | None] | None = None) -> None:
        self._network = network
        self._layer = layer
        self._shown = shown or dict.fromkeys(DOMAINS)  # the channels that the network sees as colors
        poolings = sum(name.startswith("pool") for name in network.layers[: network.layers.index(layer)])
        self.smallest_side = 2 ** (poolings + 1)  # side, in pixels, of an image whose features have 2 x 2 positions

    @classmethod
    def load(cls, config: PerceptualConfig, features: Checkpoint | None, data: DataConfig) -> Self:
        """The loss over the network in `features`, which is the one that `config.network` names.

        Raises:
            CheckpointError: the network is missing, or its convention is unknown.
            UsageError: it has no layer `config.layer`.
        """
        if features is None:
            raise CheckpointError(f"the feature network {config.network} was not given", hint="Or set vgg_w=0.")
        omitted = () if config.pool4 else ("pool4",)
        convention = None if config.convention == "auto" else config.convention
        network = vgg_files.load(features, omitted=omitted, convention=convention)
        network.require([config.layer])
        return cls(network, config.layer, {domain: data.format(domain).shown for domain in DOMAINS})

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move the network to `device`, to convolve in `dtype`, or in float32 if `dtype` is less precise.

        Rounded features are not good enough: instance norm amplifies channels that hardly vary, and with bfloat16 the
        gradient comes out half as long.
        """
        self._network.place(device, torch.promote_types(dtype, torch.float32))
        if compiled:
            self._network.compile(dynamic=False)

    def __call__(self, fakes: Mapping[Domain, Tensor], images: Mapping[Domain, Tensor]) -> dict[Domain, Tensor]:
        """The loss of the translated images of each domain against the real images that they were translated from.

        All images are (B, C, H, W) in [-1, 1], by their domain, and go through the network as one batch. The network
        sees colors: one channel is repeated, and of more it sees three. The real images get no gradient.
        """
        sizes = [len(fakes[domain]) for domain in DOMAINS]
        with torch.no_grad():
            targets = self._features(
                torch.cat([self._seen(images[OTHER[domain]], OTHER[domain]) for domain in DOMAINS])
            )
        features = self._features(torch.cat([self._seen(fakes[domain], domain) for domain in DOMAINS]))
        pairs = zip(torch.split(features, sizes), torch.split(targets, sizes), strict=True)
        return {domain: domain_invariant_error(*pair) for domain, pair in zip(DOMAINS, pairs, strict=True)}

    def _seen(self, images: Tensor, domain: Domain) -> Tensor:
        return as_color(images, self._shown[domain])

    def _features(self, images: Tensor) -> Tensor:
        features: Tensor = self._network(images, (self._layer,))[self._layer]
        return features
