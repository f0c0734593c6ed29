"""What the engine asks of a method's implementation. Images are (B, 3, H, W) float32 in [-1, 1] throughout."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.methods.spec import Domain, MethodConfig


@runtime_checkable
class Translator(Protocol):
    """A loaded model that turns images of one domain into images of the other."""

    config: MethodConfig  # the architecture, as read off the weights
    targets: Sequence[Domain]  # the domains it can translate to, the one to take by default first
    stride: int  # H and W must be multiples of it
    minimum_side: int  # ... and at least this long

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the networks that `checkpoint` holds; `options` is the original's configuration file, or empty.

        Raises:
            CheckpointError: the file holds something else; says what it is and which file to give.
        """

    def tensors(self) -> dict[str, Tensor]:
        """The weights as they are stored in a checkpoint of ours, under the originals' keys."""

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the networks to `device`, to compute in `dtype` (float32 or bfloat16) where that keeps the picture."""

    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield one batch of pictures (B, 3, H, W) for each row of `styles` (S, style_dim).

        What does not depend on the style is computed once. A method without styles takes None and yields one batch.
        """


@runtime_checkable
class StyleSampler(Translator, Protocol):
    """A translator whose outputs vary with a style code."""

    style_dim: int  # length of a style code; codes are distributed as N(0, I)

    def encode_style(self, images: Tensor, domain: Domain) -> Tensor:
        """The style codes (B, style_dim) of images of `domain`."""


@dataclass(frozen=True, slots=True)
class Iterate:
    """Where an optimisation of a picture stands after an iteration."""

    scale: int  # which size it works at, from 0
    scales: int  # how many sizes there are
    size: tuple[int, int]  # height and width at this scale, in pixels
    iteration: int  # iterations done at this scale, from 1
    iterations: int  # iterations to do at this scale
    losses: Mapping[str, float]  # "total", and each part by its name, weighted
    picture: Callable[[], Tensor]  # the picture as it is, (1, 3, H, W)


@runtime_checkable
class Stylizer(Protocol):
    """Paints a content image in the style of others by optimisation."""

    @classmethod
    def from_features(cls, config: MethodConfig, features: Checkpoint) -> Self:
        """Build it over the feature network in `features`.

        Raises:
            CheckpointError: the file holds no such network.
            UsageError: `config` asks for what the network lacks, such as a layer.
        """

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the network to `device`, to compute in `dtype` (float32 or bfloat16)."""

    def stylize(self, content: Tensor, styles: Sequence[Tensor], init: Tensor | None, seed: int) -> Iterator[Iterate]:
        """Optimise, yielding after each iteration; the last one's picture is the result.

        `content`, each of `styles` and `init` are (1, 3, H, W) at any size; the configuration says at which they work.
        """
