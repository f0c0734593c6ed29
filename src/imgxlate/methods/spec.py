"""The spec of a method: its description, configurations and figures. Specs and this module import no torch."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from annotated_types import Ge, Lt

from imgxlate.config import NonNegativeFloat, NonNegativeInt, PositiveInt, option
from imgxlate.data.config import CHANNELS_SOURCE, Channels, DataConfig

Domain = Literal["A", "B"]
"""One of the two kinds of images between which a model translates."""

DOMAINS: tuple[Domain, Domain] = ("A", "B")
OTHER: Mapping[Domain, Domain] = {"A": "B", "B": "A"}
"""The domain that images of each domain are translated to."""


Decay = Annotated[NonNegativeFloat, Lt(1)]

RGB = 3
"""The channels of images in color."""


class Capability(StrEnum):
    """A thing that a method can do."""

    TRANSLATE = "translate"  # Translate images of one domain to the other.
    SAMPLE_STYLES = "sample-styles"  # Make several outputs of one input, by style codes.
    GUIDE_STYLE = "guide-style"  # Take the style code from an image.
    # Paint in one pass in the style of any image: style codes mix linearly, and an image's own code keeps its style.
    MIX_STYLES = "mix-styles"
    STYLIZE = "stylize"  # Paint a content image in the style of other images.
    TRAIN = "train"  # Learn from two folders of images.


@dataclass(frozen=True, slots=True)
class Citation:
    """The paper that a method comes from."""

    title: str
    authors: str
    year: int
    arxiv: str


@dataclass(frozen=True, slots=True)
class MethodConfig:
    """Base of every method's configuration: a frozen dataclass whose fields carry their documentation."""

    def channels(self, domain: Domain) -> int:
        """The channels of images of `domain`."""
        return RGB


@dataclass(frozen=True, slots=True)
class TranslatorConfig(MethodConfig):
    """Base of the configurations of methods that translate images with other numbers of channels, too."""

    channels_a: Channels = option(RGB, "channels of images of A", CHANNELS_SOURCE)
    channels_b: Channels = option(RGB, "channels of images of B", CHANNELS_SOURCE)

    def channels(self, domain: Domain) -> int:
        """The channels of images of `domain`."""
        return self.channels_a if domain == "A" else self.channels_b


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """The options that the training of every method has.

    A method's own configuration derives from it and adds its networks and the weights of its losses. Together with the
    images it determines the result.
    """

    iterations: PositiveInt = option(
        1_000_000, "training steps in all", "NVlabs/MUNIT, configs/*.yaml, max_iter", panel="Configuration"
    )
    epochs: PositiveInt | None = option(
        None, "times through the larger folder of images, instead of iterations", "chosen here", panel="Configuration"
    )
    batch_size: PositiveInt = option(
        1, "images of each domain in a step, over all processes", "all three originals", panel="Configuration"
    )
    accumulate: PositiveInt = option(
        1,
        "batches in a step, one after the other; their gradients are averaged, so 4 batches have the effect of one "
        "that is four times as large",
        "chosen here",
    )
    seed: Annotated[NonNegativeInt, Lt(2**63)] = option(
        0,
        "seed for all random choices: the same seed gives the same model",
        "chosen here",
        fixed=True,
        panel="Configuration",
    )
    precision: Literal["auto", "fp32", "fp32-fast", "bf16"] = option(
        "auto",
        "number format of multiplications; fp32-fast: convolutions take fewer of them; auto: bf16 where the hardware "
        "is fast at it, else fp32-fast; a resumed run keeps its format",
        "chosen here",
        panel="Running",
    )
    lr: NonNegativeFloat = option(1e-4, "learning rate of Adam at the start", "NVlabs/MUNIT, configs/*.yaml")
    beta1: Decay = option(0.5, "decay of Adam's first moment", "all three originals")
    beta2: Decay = option(0.999, "decay of Adam's second moment", "all three originals")
    weight_decay: NonNegativeFloat = option(1e-4, "weight of the L2 penalty in Adam", "NVlabs/MUNIT, configs/*.yaml")
    ema: Decay = option(
        0.999,
        "decay of the moving average of the weights, which becomes the model; 0: no average",
        "chosen here",
        switch=True,
        panel="Configuration",
        metavar="DECAY",
    )
    warm_up: NonNegativeInt = option(
        200,
        "steps that train only the discriminators first, if the run begins from a model without them",
        "chosen here",
        fixed=True,
        panel="Configuration",
    )
    display_size: PositiveInt = option(4, "images of each domain in the samples", "chosen here")
    sample_every: PositiveInt = option(
        1000,
        "steps between samples; steps 1, 2, 5, 10, 20, 50 and so on have samples too",
        "chosen here",
        panel="Run folder",
    )
    checkpoint_every: PositiveInt = option(1000, "steps between checkpoints", "chosen here", panel="Run folder")
    evaluate_every: NonNegativeInt = option(
        5000,
        "steps between evaluations on test images; the last step is evaluated, too; 0: none",
        "chosen here",
        switch=True,
        panel="Quality",
    )
    evaluate_images: Annotated[int, Ge(2)] = option(
        48, "images of each domain in an evaluation, at most", "chosen here", fixed=True, panel="Quality"
    )
    held_out: Decay = option(
        0.1,
        "share of the training images to set aside for evaluations, in a domain without test images",
        "chosen here",
        fixed=True,
        panel="Quality",
        metavar="SHARE",
    )
    metrics: Literal["auto", "published", "vgg19"] = option(
        "auto",
        "network of evaluations; published: FID and KID by InceptionV3; vgg19: the bundled VGG-19; auto: published if "
        "its weights are here already",
        "chosen here",
        panel="Quality",
    )
    patience: NonNegativeInt = option(
        0,
        "evaluations without improvement after which the run ends; 0: it takes all its steps",
        "chosen here",
        panel="Quality",
    )
    data: DataConfig = option(DataConfig(), "how images are prepared", "", fixed=False)

    @property
    def images_per_step(self) -> int:
        """Images of each domain in a step, over all processes."""
        return self.batch_size * self.accumulate

    @property
    def features(self) -> str | None:
        """The feature network that a loss needs: a name of `imgxlate weights list` or a file. None: none is needed."""
        return None


@dataclass(frozen=True, slots=True)
class Scale:
    """A size of images and a width of networks that `--hours` may choose."""

    name: str  # "96 px, width 24"
    changes: Mapping[str, Any]  # of the preset `TrainingSpec.scaled_preset`, by keys with dots
    least_steps: int  # with fewer steps, a smaller scale gives the better model


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """How a method is trained. The implementation is imported on first use."""

    implementation: str  # "imgxlate.methods.munit.training:MunitTraining"
    presets: Mapping[str, TrainingConfig]  # named configurations, the default first
    # Turns an original's configuration file into our keys with dots, such as "gen.dim". It leaves out what has no
    # meaning here, and raises UsageError for a key that the original does not have.
    from_original: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = field(default=None)
    # Variants of one preset, the smallest first. Empty: `--hours` chooses only the number of steps.
    scaled_preset: str = ""
    scales: tuple[Scale, ...] = ()


@dataclass(frozen=True, slots=True)
class FigurePart:
    """One image of a figure."""

    label: str  # distinguishes it from the other images
    values: Mapping[str, Any]  # the values that the figure varies, for records: {"layers": ("relu1_1",), "ratio": 1e-3}
    config: MethodConfig


@dataclass(frozen=True, slots=True)
class FigurePlan:
    """The images of a figure, in rows and columns."""

    rows: tuple[tuple[FigurePart, ...], ...]
    column_headers: tuple[str, ...]
    row_headers: tuple[str, ...] | None = None  # None: there is one row

    @property
    def parts(self) -> tuple[FigurePart, ...]:
        """All images, row by row."""
        return tuple(part for row in self.rows for part in row)


@dataclass(frozen=True, slots=True)
class FigureSpec:
    """A figure of the paper of a method that stylizes, painted as a contact sheet for each input."""

    title: str  # "content from each layer alone"
    # The style images: none, the input itself, or those that the user gives. Except in the last case, the input stands
    # on the sheet beside its reconstructions.
    style: Literal["none", "input", "given"]
    preset: str  # the preset to start from by default
    start: Callable[[Any], MethodConfig]  # adapts a preset, a `MethodSpec.config`, to the figure
    # Plans the figure from a configuration, a `MethodSpec.config`, and ratios. Raises UsageError if it shows nothing.
    plan: Callable[[Any, Sequence[float]], FigurePlan]
    ratios: tuple[float, ...] = ()  # the ratios by default; empty: the figure has none
    sets: frozenset[str] = frozenset()  # keys of the configuration that the plan sets itself


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method, as the registry finds it. The implementation is imported on first use."""

    name: str  # "munit", as typed on the command line
    summary: str  # one line for `imgxlate methods`
    citation: Citation
    capabilities: frozenset[Capability]
    config: type[MethodConfig]  # every field documented, with its source
    implementation: str  # "imgxlate.methods.munit.method:Munit"
    presets: Mapping[str, MethodConfig] = field(default_factory=dict)  # named configurations, the default first
    training: TrainingSpec | None = None  # None: it cannot be trained
    # Regular expressions for names of tensors, at the beginning or behind a dot. A file in which each is found holds
    # generators of the method, unless the expressions of another method are more, and are found, too.
    generator_tensors: tuple[str, ...] = ()
    # Figures of its paper, by the word in the names of their sheets, such as "sweep".
    figures: Mapping[str, FigureSpec] = field(default_factory=dict)
    title: str = ""  # "CycleGAN", for headings; empty: the name

    @property
    def needs_style_image(self) -> bool:
        """Whether the style is always taken from an image: the method has styles, and samples none."""
        has_styles = self.capabilities & {Capability.GUIDE_STYLE, Capability.STYLIZE}
        return bool(has_styles) and Capability.SAMPLE_STYLES not in self.capabilities

    @property
    def label(self) -> str:
        """The title as one word, which the command line accepts in place of the name: "neural-style"."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or self.name
