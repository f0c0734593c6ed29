"""The protocols that a method's implementation satisfies. Images are (B, C, H, W) float32 in [-1, 1] throughout."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn

from imgxlate.checkpoint import Checkpoint
from imgxlate.data.batch import Batch
from imgxlate.methods.spec import Domain, MethodConfig, TrainingConfig
from imgxlate.nn import NormStatistics
from imgxlate.nn.stages import Stage


@runtime_checkable
class Translator(Protocol):
    """A loaded model that translates images of one domain to the other."""

    config: MethodConfig  # the architecture, as read off the weights
    targets: Sequence[Domain]  # the domains that it can translate to, the default first
    stride: int  # H and W must be multiples of it
    minimum_side: int  # the least H and W

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, options: Mapping[str, Any]) -> Self:
        """Build the networks that `checkpoint` holds; `options` is the original's configuration file, or empty.

        Raises:
            CheckpointError: the file holds another network; says which one, and which file to give.
        """

    def tensors(self) -> dict[str, Tensor]:
        """The weights as our checkpoints store them, under the originals' keys."""

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the networks to `device`, to compute in `dtype` (float32 or bfloat16) where that keeps the image."""

    def translate(self, images: Tensor, to: Domain, styles: Tensor | None) -> Iterator[Tensor]:
        """Yield a batch of translated images (B, C, H, W) for each row of `styles` (S, style_dim).

        Parts that do not depend on the style are computed once. Without styles, it takes None and yields one batch.
        """


@dataclass(frozen=True, slots=True)
class LayerReading:
    """A layer of a network, and the tensors of a file that it is made of."""

    module: str  # its name in the original's program: "model.10.conv_block.1"
    layer: str  # "a convolution 256 -> 256, 3x3"
    tensors: Mapping[str, str]  # by name in the file: the name in the original's program


@dataclass(frozen=True, slots=True)
class NetworkReading:
    """A network that was found in a file."""

    name: str  # "generator of A to B"
    layers: Sequence[LayerReading]


@runtime_checkable
class Inspectable(Protocol):
    """A translator that says what it takes each tensor of a file for."""

    @classmethod
    def networks(cls, checkpoint: Checkpoint) -> Sequence[NetworkReading]:
        """The networks that `from_checkpoint` builds.

        Raises:
            CheckpointError: the file holds another network; says at which layer it departs from the method's.
        """


@runtime_checkable
class Noting(Protocol):
    """A translator with something to say about the files that it was built from."""

    notes: Sequence[str]  # one line each, for the user


@runtime_checkable
class StyleSampler(Translator, Protocol):
    """A translator whose outputs vary with a style code."""

    style_dim: int  # length of a style code; codes are distributed as N(0, I)

    def encode_style(self, images: Tensor, domain: Domain) -> Tensor:
        """The style codes (B, style_dim) of images of `domain`."""


@runtime_checkable
class BatchNormalized(Translator, Protocol):
    """A translator whose networks may have batch norms, and which lets the user choose their statistics."""

    def set_norm_statistics(self, statistics: NormStatistics) -> bool:
        """Let all batch norms use `statistics`. Returns whether there are any."""


@runtime_checkable
class Staged(Translator, Protocol):
    """A translator that describes its networks, so that large images are translated in bands of rows."""

    def content_stages(self, to: Domain) -> Sequence[Stage]:
        """The stages from an image to its content code; none: the content code is the image."""

    def image_stages(self, to: Domain, style: Tensor | None) -> Sequence[Stage]:
        """The stages from the content code to the translated image; `style` is (1, style_dim)."""


@runtime_checkable
class StagedStyleSampler(StyleSampler, Staged, Protocol):
    """A translator with styles that describes its networks."""

    def style_stages(self, domain: Domain) -> Sequence[Stage]:
        """The stages from an image of `domain` to the features whose mean holds the style."""

    def style_code(self, domain: Domain, mean: Tensor) -> Tensor:
        """The style code (1, style_dim) from the mean (C,) of these features over all positions."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A part of a model that computes one output from its inputs."""

    name: str  # "a2b"; part of the name of the file
    does: str  # "image of A to image of B"; completes "the graph ..."
    module: nn.Module  # takes the inputs in order
    inputs: Mapping[str, tuple[int | str, ...]]  # axes by name of the input: a length, or a name if it may vary
    output: str
    multiples: Mapping[str, int] = field(default_factory=dict)  # by name of an axis: its length is a multiple of this


def image_axes(channels: int) -> tuple[int | str, ...]:
    """The axes of images in `Graph.inputs`."""
    return ("batch", channels, "height", "width")


@runtime_checkable
class Exportable(Protocol):
    """A translator whose model can be written for other programs."""

    def original_files(self, step: int | None) -> Mapping[str, Mapping[str, Any]]:
        """The original's files and their contents, by their names after `step` steps of training, if that is known.

        Raises:
            UsageError: the original cannot load such a model.
        """

    def graphs(self) -> Sequence[Graph]:
        """The parts of the model, for ONNX."""


@dataclass(frozen=True, slots=True)
class Iterate:
    """The state of an image under optimization after an iteration."""

    scale: int  # number of the current size, from 0
    scales: int  # how many sizes there are
    size: tuple[int, int]  # height and width at this scale, in pixels
    iteration: int  # iterations done at this scale, from 1
    iterations: int  # iterations to do at this scale
    losses: Mapping[str, float]  # "total", and each part by its name, weighted
    image: Callable[[], Tensor]  # returns the image at this point, (1, 3, H, W)
    memory_plan: str = ""  # how memory is saved at this scale, such as "in bands of rows"; empty: it is not
    note: str = ""  # what else the user should know about this scale


@dataclass(frozen=True, slots=True)
class StyledRegion:
    """A region of the content image, and the style that it is painted in."""

    mask: Tensor  # (1, 1, H, W) from 0 to 1, of the content image's size: how much each pixel belongs to the region
    style: Tensor  # image (1, 3, H, W) in [-1, 1]
    style_mask: Tensor | None = None  # (1, 1, H, W), of the style image's size: its part that is the style; None: all


@dataclass(frozen=True, slots=True)
class MovedOutput:
    """The output of a film's last frame, moved along the optical flow to the next one."""

    image: Tensor  # (1, 3, H, W) in [-1, 1]
    weights: Tensor  # (1, 1, H, W): 1 where the flow is consistent, 0 where it is not


@runtime_checkable
class Stylizer(Protocol):
    """Paints a content image in the style of other images by optimization."""

    @classmethod
    def from_features(cls, config: MethodConfig, features: Checkpoint) -> Self:
        """Build it over the feature network in `features`.

        Raises:
            CheckpointError: the file holds no such network.
            UsageError: the network lacks something that `config` needs, such as a layer.
        """

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the network to `device`, to compute in `dtype` (float32 or bfloat16)."""

    def stylize(
        self,
        content: Tensor,
        styles: Sequence[Tensor],
        init: Tensor | None,
        seed: int,
        memory: int | None = None,
        regions: Sequence[StyledRegion] = (),
        last: MovedOutput | None = None,
    ) -> Iterator[Iterate]:
        """Optimize, yielding after each iteration; the image of the last one is the result.

        `content`, each of `styles` and `init` are (1, 3, H, W) of any size; the configuration says to which size they
        are scaled. `memory` is how many bytes the computation should take at most, beside those that the process has
        already; None: there is no limit. With `regions`, each of them has its own style, and `styles` are those of the
        rest. With `last`, `content` is a frame that follows another: the image begins from the last output, and stays
        near to it.
        """


Noise = Callable[[Sequence[int]], Tensor]
"""Draws (B, *shape) from N(0, I): fresh noise at each call within a step, and for each image of the batch."""


class ProcessGroup(Protocol):
    """The processes that train one model together, each on its part of the batch."""

    rank: int  # number of this process, from 0
    size: int  # number of processes

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over all processes."""

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors (B, ...) of all processes as one (size B, ...), in the order of their ranks."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """Number, randomness and processes of a training step. Its randomness depends on seed, step and image alone."""

    step: int  # from 0
    noise: Noise  # differs between images; is the same whichever process has the image
    random: random.Random  # the same in all processes
    group: ProcessGroup
    warming_up: bool = False  # the generators, which came from another model, keep their weights in this step


Losses = dict[str, Tensor]
"""Losses without axes, by the originals' names without `loss_`."""


@runtime_checkable
class Trainable(Protocol):
    """A model in training: its generators, its discriminators and their optimizers."""

    config: TrainingConfig

    @classmethod
    def create(cls, config: TrainingConfig, features: Checkpoint | None) -> Self:
        """Networks with initial weights from `config.seed`; `features` is the network that `config.features` names.

        Raises:
            UsageError: values of `config` contradict each other, such as a crop that the networks cannot take.
            CheckpointError: `features` is no feature network.
        """

    def place(self, device: torch.device, dtype: torch.dtype, *, compiled: bool) -> None:
        """Move everything to `device`, to multiply in `dtype` (float32, bfloat16 or, for tests, float64).

        Weights, optimizers and losses stay in float32 at least. `compiled`: let torch compile the networks.
        """

    def train_step(self, batch: Batch, context: StepContext) -> Losses:
        """Update discriminators and generators once.

        Returns every loss by the original's name without `loss_`, and the norms of the gradients as `grad_*`: tensors
        without axes, of this process's part of the batch.
        """

    def state(self) -> dict[str, Tensor]:
        """Everything that training needs to continue bit for bit: networks, optimizers, image pools."""

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore a state that `state` returned; works before and after `place`.

        Raises:
            CheckpointError: a tensor is missing, left over, or of another shape; names it.
        """

    def generators(self) -> dict[str, Tensor]:
        """The generators' live weights, by the names that `Translator.tensors` uses."""

    def architecture(self) -> MethodConfig:
        """The `Translator.config` of a model with these generators."""


@runtime_checkable
class Adversarial(Trainable, Protocol):
    """A model in training whose discriminators a run can take from another run's checkpoint."""

    def discriminators(self) -> dict[str, Tensor]:
        """The discriminators' live weights, by the names that `state` has for them."""
