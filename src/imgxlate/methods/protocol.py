"""What the rooms above ask of a method's implementation. Images are (B, 3, H, W) float32 in [-1, 1] throughout."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.methods.spec import Domain, MethodConfig
from imgxlate.methods.training import TrainingConfig


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
    image: Callable[[], Tensor]  # the image at this point, (1, 3, H, W)


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


Noise = Callable[[Sequence[int]], Tensor]
"""Draws (B, *shape) from N(0, I), one for each picture of the batch: a new draw at each call within a step."""


class ProcessGroup(Protocol):
    """The processes that train one model together, each on its part of the batch."""

    rank: int  # which of them this is, from 0
    size: int  # how many there are

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Put the mean over all processes in place of each tensor."""

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors (B, ...) of all processes as one (size B, ...), in the order of their ranks."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """The circumstances of one training step: all that is random in it follows from seed, step and picture."""

    step: int  # from 0
    noise: Noise  # differs from picture to picture, and does not depend on which process has the picture
    random: random.Random  # the same in all processes
    group: ProcessGroup


@runtime_checkable
class Trainable(Protocol):
    """A model in training: its generators, its discriminators and their optimisers."""

    config: TrainingConfig

    @classmethod
    def create(cls, config: TrainingConfig, features: Checkpoint | None) -> Self:
        """Networks with initial weights that follow from `config.seed`; `features` is what `config.features` names.

        Raises:
            UsageError: values of `config` contradict each other, such as a crop that the networks cannot take.
            CheckpointError: `features` is no feature network.
        """

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move everything to `device`, to multiply in `dtype` (float32, bfloat16 or, for tests, float64).

        Weights, optimisers and losses stay in float32 at least. `compiled`: let torch compile the networks.
        """

    def train_step(self, batch: Batch, context: StepContext) -> dict[str, Tensor]:
        """Update discriminators and generators once.

        Returns every loss by the original's name without `loss_`, and the norms of the gradients as `grad_*`: tensors
        without axes, of this process's part of the batch.
        """

    def state(self) -> dict[str, Tensor]:
        """All that a checkpoint keeps so that training goes on to the bit: networks, optimisers, image pools."""

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave; works before and after `place`.

        Raises:
            CheckpointError: a tensor is missing, left over, or of another shape; names it.
        """

    def generators(self) -> dict[str, Tensor]:
        """The generators' live weights, by the names that `Translator.tensors` uses."""

    def architecture(self) -> MethodConfig:
        """What `Translator.config` will be for these generators."""
