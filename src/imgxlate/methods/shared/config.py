"""Configurations and options that methods share: discriminators, losses, learning rates. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from annotated_types import Lt

from imgxlate.config import NonNegativeFloat, PositiveInt, option, require_choice
from imgxlate.data.config import crop
from imgxlate.errors import UsageError
from imgxlate.losses import GanLoss
from imgxlate.methods.spec import Scale
from imgxlate.nn import Activation, DiscriminatorNorm, Padding

Schedule = Callable[[int], float]
"""The factor of the learning rate at a step, counted from 0."""

LrPolicy = Literal["step", "linear", "constant"]
"""How MUNIT's and UNIT's learning rate changes: by `gamma` every `step_size` steps, linearly to zero, or not at all."""

Augmentation = Literal["color", "translation", "cutout"]
"""A random change of the discriminators' input (DiffAugment)."""

Optimizer = Literal["adam", "muon"]
"""How weights are updated."""

JUDGED = "vgg19"
"""The network whose features discriminators may judge: the VGG-19 in the package."""

_YAML = "NVlabs/MUNIT, configs/*.yaml"
_NETWORKS = "NVlabs/MUNIT, networks.py"
_PAPER = "arXiv 1804.04732, Sec. 5.1"


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    """MUNIT's and UNIT's multi-scale discriminators. The names are those of the originals' yaml, under `dis`."""

    dim: PositiveInt = option(64, "channels after the first convolution", _YAML)
    norm: DiscriminatorNorm = option(
        "none", "normalization after all convolutions but the first; spectral: of the weights of all", _YAML
    )
    activ: Activation = option("lrelu", "activation", _YAML)
    n_layer: Annotated[PositiveInt, Lt(9)] = option(4, "how often a network halves height and width", _YAML)
    gan_type: GanLoss = option("lsgan", "adversarial loss", _YAML)
    num_scales: Annotated[PositiveInt, Lt(9)] = option(
        3, "number of networks; each sees the image at half the size of the one before", _YAML
    )
    pad_type: Padding = option("reflect", "padding", _YAML)
    r1_w: NonNegativeFloat = option(
        0.0, "weight of the R1 gradient penalty on real images", "arXiv 1801.04406, Eq. 9", fixed=False
    )


@dataclass(frozen=True, slots=True)
class PerceptualConfig:
    """The features that the domain-invariant perceptual loss compares.

    The original compares relu5_3 of a VGG-16 without its fourth pooling (networks.py, its Vgg16); the paper says
    relu4_3. No current PyTorch can read the original's weights, a Lua file on Dropbox.
    """

    network: str = option(
        "vgg19", "a VGG network: a name of `imgxlate weights list`, or a file", "chosen here: it ships"
    )
    convention: Literal["auto", "caffe", "caffe-rgb", "torchvision"] = option(
        "auto", "how the network expects its pixels; auto: derived from the weights", "chosen here"
    )
    layer: str = option(
        "relu5_3", "the layer whose features are compared; the paper's: relu4_3", f"{_NETWORKS}; {_PAPER}"
    )
    pool4: bool = option(False, "whether to keep the fourth pooling, as VGG has it", _NETWORKS)


def schedule(policy: LrPolicy, iterations: int, step_size: int, gamma: float) -> Schedule:
    """The schedule of MUNIT and UNIT. A linear decay takes the second half of the steps."""
    return linear_decay(iterations, 0.5) if policy == "linear" else step_decay(policy, step_size, gamma)


def step_decay(policy: LrPolicy, step_size: int, gamma: float) -> Schedule:
    """The learning rate times `gamma` every `step_size` steps, or constant.

    The originals count a step before they take it (train.py). In PyTorch 0.4, which they were written for, the
    scheduler's count starts at -1 (optim/lr_scheduler.py). So the first `step_size` steps have the full rate.
    """
    return (lambda step: gamma ** (step // step_size)) if policy == "step" else (lambda step: 1.0)


def linear_decay(iterations: int, share: float) -> Schedule:
    """Constant, then linear to zero over the last `share` of the steps; zero would be reached one step after the last.

    Raises:
        UsageError: `share` is above 1.
    """
    if share > 1:
        raise UsageError(
            f"lr_decay_share is {share}; it is a share, from 0 to 1",
            hint="Type `--set lr_decay_share=0.5` for a decay over the second half of the steps.",
        )
    decay = round(iterations * share)
    return lambda step: min(1.0, (iterations - step) / (decay + 1))


def augment_option() -> Any:
    """The field `augment` of a training's configuration; `augmentations` checks its value."""
    return option(
        "",
        f"random changes of all images that the discriminators see, for small data sets: "
        f"{', '.join(get_args(Augmentation))}, with commas between them; empty: none",
        "arXiv 2006.10738",
    )


def lr_dis_option(of: str = "the discriminators") -> Any:
    """The field `lr_dis` of a training's configuration."""
    return option(None, f"learning rate of Adam for {of}; none: lr", "arXiv 1706.08500, Sec. 2")


def optimizer_option(source: str = "arXiv 1412.6980") -> Any:
    """The field `optimizer` of a training's configuration; `source` is that of its default, Adam."""
    return option(
        "adam",
        "how weights are updated; muon: Muon for convolutions, in which every direction is learned at the "
        "same pace, and Adam for all other weights, which takes fewer steps",
        source,
        fixed=True,
    )


def judge_features_option(network: str = JUDGED) -> Any:
    """The field `judge_features` of a training's configuration; `network` says whose features."""
    return option(
        False,
        f"whether images are also judged by their features in {network}, beside their pixels: takes fewer steps and "
        "images",
        "arXiv 2111.01007; arXiv 2112.09130",
        fixed=True,
    )


def spectral_gen_option() -> Any:
    """The field `spectral_gen` of MUNIT's and UNIT's trainings."""
    return option(
        False,
        "whether the weights of the generators are normalized spectrally; the model holds the normalized weights",
        "arXiv 1802.05957",
        fixed=True,
    )


def perceptual_option() -> Any:
    """The field `vgg` of MUNIT's and UNIT's trainings."""
    return option(PerceptualConfig(), "the features of the perceptual loss, used if vgg_w is not 0", "", fixed=False)


def lr_policy_option(yaml: str) -> Any:
    """The field `lr_policy` of MUNIT's and UNIT's trainings; `yaml` is the source of its default."""
    return option(
        "step",
        "how the learning rate changes: step, constant, or linear (to zero over the second half of the steps, which "
        "the original does not have)",
        yaml,
    )


def sample_every_option(yaml: str) -> Any:
    """The field `sample_every` of MUNIT's and UNIT's trainings; `yaml` is the source of its default."""
    return option(
        10_000,
        "steps between samples; steps 1, 2, 5, 10, 20, 50 and so on have samples too",
        f"{yaml}, image_save_iter",
    )


def autoencoder_scales(large: Mapping[str, Any] | None = None) -> tuple[Scale, ...]:
    """Variants of MUNIT's and UNIT's preset `small` for `--hours`; `large` are a method's own changes for 256 pixels.

    The bundled models took 7,000 to 8,500 steps at 96 px and width 24.
    """
    linear = {"lr_policy": "linear"}
    at_256: dict[str, Any] = {
        **crop(256),
        "gen.n_downsample": 2,
        **(large or {}),
        "dis.n_layer": 4,
        "lr": 1e-4,
        **linear,
    }
    return (
        Scale("64 px, width 16", {**crop(64), **linear}, 3000),
        Scale("96 px, width 24", {"gen.dim": 24, **linear}, 8000),
        Scale("128 px, width 32", {**crop(128), "gen.dim": 32, "dis.dim": 48, **linear}, 16_000),
        Scale("256 px, width 32", {**at_256, "gen.dim": 32, "dis.dim": 48}, 50_000),
        Scale("256 px, width 64", {**at_256, "gen.dim": 64, "dis.dim": 64}, 100_000),
    )


def augmentations(names: str) -> tuple[Augmentation, ...]:
    """The changes that `augment` names.

    Raises:
        UsageError: a name is unknown.
    """
    changes = tuple(name.strip() for name in names.split(",")) if names else ()
    for change in changes:
        require_choice(Augmentation, augment=change)
    return changes  # type: ignore[return-value]  # Each is one of the names.
