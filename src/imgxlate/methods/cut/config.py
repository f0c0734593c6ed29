"""The architecture of CUT's generator, how it is trained, and the original's options. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Gt, IsFinite, Lt, MinLen

from imgxlate.config import NonNegativeFloat, NonNegativeInt, PositiveInt, option, shown
from imgxlate.data.config import DataConfig, crop
from imgxlate.errors import UsageError
from imgxlate.losses import GanLoss
from imgxlate.methods.shared.config import (
    JUDGED,
    Optimizer,
    augment_option,
    judge_features_option,
    lr_dis_option,
    optimizer_option,
)
from imgxlate.methods.shared.train_options import EPOCH, NORMS, TrainOptions, choice
from imgxlate.methods.spec import Scale, TrainingConfig, TranslatorConfig
from imgxlate.nn import Init, NormKind

_ORIGINAL = "taesungp/contrastive-unpaired-translation"
_OPTIONS = f"{_ORIGINAL}, options/base_options.py"
_TRAINING = f"{_ORIGINAL}, options/train_options.py"
_MODEL = f"{_ORIGINAL}, models/cut_model.py"
_NETWORKS = f"{_ORIGINAL}, models/networks.py"


@dataclass(frozen=True, slots=True)
class CutConfig(TranslatorConfig):
    """CUT's ResNet generator: CycleGAN's, with anti-aliased sampling."""

    ngf: PositiveInt = option(64, "channels after the first convolution", _OPTIONS)
    n_blocks: PositiveInt = option(9, "residual blocks", _OPTIONS)
    n_downsampling: Annotated[PositiveInt, Lt(9)] = option(
        2, "how often height and width are halved before the residual blocks", _NETWORKS
    )
    norm: NormKind = option("instance", "normalization", _OPTIONS)
    antialias: bool = option(True, "whether halving blurs first; otherwise convolutions have a stride of 2", _OPTIONS)
    antialias_up: bool = option(
        True,
        "whether doubling interpolates; otherwise a transposed convolution doubles, which may leave a checkerboard",
        _OPTIONS,
    )
    bias: bool = option(True, "whether convolutions before a normalization have a bias", _NETWORKS)
    dropout: bool = option(
        False,
        "whether the residual blocks were trained with dropout, which changes the names of their layers",
        _OPTIONS,
    )

    @property
    def first_block(self) -> int:
        """The index of the first residual block among the layers; anti-aliased halving has a layer more."""
        return 4 + (4 if self.antialias else 3) * self.n_downsampling


@dataclass(frozen=True, slots=True, kw_only=True)
class CutTrainingConfig(TrainingConfig):
    """The translation from A to B."""

    iterations: PositiveInt = option(400 * EPOCH, "training steps in all", f"{_TRAINING}: 200 epochs, and 200 of decay")
    lr: NonNegativeFloat = option(2e-4, "learning rate of Adam at the start", _TRAINING)
    lr_dis: NonNegativeFloat | None = lr_dis_option("the discriminator")
    lr_decay_share: NonNegativeFloat = option(
        0.5,
        "share of the steps, at the end, over which the learning rate falls linearly to zero",
        _TRAINING,
    )
    weight_decay: NonNegativeFloat = option(0.0, "weight of the L2 penalty in Adam", _MODEL)
    gen: CutConfig = option(CutConfig(), "the generator", "")
    optimizer: Optimizer = optimizer_option()
    judge_features: bool = judge_features_option()
    ndf: PositiveInt = option(64, "channels after the discriminator's first convolution", _OPTIONS, fixed=True)
    n_layers: Annotated[PositiveInt, Lt(9)] = option(
        3,
        "how often the discriminator halves height and width; with 3 it scores patches of about 70 x 70 pixels",
        _OPTIONS,
        fixed=True,
    )
    gan_mode: GanLoss = option("lsgan", "adversarial loss; the original calls nsgan vanilla", _TRAINING, fixed=True)
    lambda_gan: NonNegativeFloat = option(1.0, "weight of the adversarial loss", _MODEL)
    lambda_nce: NonNegativeFloat = option(1.0, "weight of the contrastive losses", _MODEL)
    nce_identity: bool = option(
        True, "whether images of B are put through the generator, too, with a contrastive loss of their own", _MODEL
    )
    nce_layers: Annotated[tuple[NonNegativeInt, ...], MinLen(1)] = option(
        (0, 4, 8, 12, 16),
        "indices of the generator's layers whose outputs are contrasted, up to its last residual block; 0: the image",
        _MODEL,
        fixed=True,
    )
    nce_dim: PositiveInt = option(256, "length of the vectors that are contrasted", _MODEL, fixed=True)
    n_patches: PositiveInt = option(256, "positions that are drawn from the output of each of the layers", _MODEL)
    temperature: Annotated[IsFinite[float], Gt(0)] = option(
        0.07, "temperature of the contrastive losses; a lower one separates similar patches more", _MODEL
    )
    flip_equivariance: bool = option(
        False, "whether half of the inputs are mirrored for the generator, and its output is compared mirrored", _MODEL
    )
    r1_w: NonNegativeFloat = option(
        0.0,
        "weight of the R1 gradient penalty on real images",
        "arXiv 1801.04406, Eq. 9",
    )
    augment: str = augment_option()
    init: Init = option(
        "xavier", "initial weights; xavier and orthogonal have a gain of 0.02, as in the original", _OPTIONS, fixed=True
    )
    data: DataConfig = option(
        DataConfig(resize="square", new_size=286, interpolation="bicubic"), "how images are prepared", "", fixed=False
    )

    @property
    def features(self) -> str | None:
        """The network whose features the discriminator also judges, if any."""
        return JUDGED if self.judge_features else None


PRESETS = {
    "default": CutTrainingConfig(),
    "fastcut": CutTrainingConfig(
        iterations=200 * EPOCH,
        lr_decay_share=0.25,
        lambda_nce=10.0,
        nce_identity=False,
        flip_equivariance=True,
    ),
    "small": CutTrainingConfig(
        iterations=20_000,
        lr=4e-4,
        gen=CutConfig(ngf=24, n_blocks=6, n_downsampling=1),
        ndf=32,
        n_layers=2,
        nce_layers=(0, 4, 8, 12),
        nce_dim=128,
        r1_w=1.0,
        sample_every=500,
        checkpoint_every=500,
        evaluate_every=2000,
        evaluate_images=32,
        data=DataConfig(resize="shorter", new_size=108, interpolation="bicubic", crop_height=96, crop_width=96),
    ),
    "tiny": CutTrainingConfig(
        iterations=2000,
        gen=CutConfig(ngf=8, n_blocks=2),
        ndf=8,
        n_layers=2,
        nce_layers=(0, 4, 8, 12),
        nce_dim=32,
        n_patches=64,
        sample_every=200,
        checkpoint_every=200,
        evaluate_every=2000,
        evaluate_images=4,
        data=DataConfig(resize="shorter", new_size=72, interpolation="bicubic", crop_height=64, crop_width=64),
    ),
}
"""Named configurations, the default first."""

_LARGE = {
    **crop(256),
    "gen.n_blocks": 9,
    "gen.n_downsampling": 2,
    "n_layers": 3,
    "nce_layers": (0, 4, 8, 12, 16),
    "nce_dim": 256,
    "lr": 2e-4,
}

SCALES = (
    Scale("64 px, width 16", {**crop(64), "gen.ngf": 16}, 2000),
    Scale("96 px, width 24", {}, 5000),
    Scale("128 px, width 32", {**crop(128), "gen.ngf": 32, "ndf": 48}, 10_000),
    Scale("256 px, width 32", {**_LARGE, "gen.ngf": 32, "ndf": 48}, 40_000),
    Scale("256 px, width 64", {**_LARGE, "gen.ngf": 64, "ndf": 64}, 80_000),
)
"""Variants of the preset `small` for `--hours`, as CycleGAN has them."""

# What the original's two modes stand for, in its own names.
_CUT = {"nce_idt": True, "lambda_NCE": 1.0, "flip_equivariance": False, "n_epochs": 200, "n_epochs_decay": 200}
_FASTCUT = {"nce_idt": False, "lambda_NCE": 10.0, "flip_equivariance": True, "n_epochs": 150, "n_epochs_decay": 50}
_MODES = {"CUT": _CUT, "cut": _CUT, "FastCUT": _FASTCUT, "fastcut": _FASTCUT}

OPTIONS = TrainOptions(
    norm="normG",
    same={
        "beta2": "beta2",
        "lambda_GAN": "lambda_gan",
        "lambda_NCE": "lambda_nce",
        "nce_idt": "nce_identity",
        "netF_nc": "nce_dim",
        "nce_T": "temperature",
        "num_patches": "n_patches",
        "flip_equivariance": "flip_equivariance",
    },
    words={
        "model": {"cut": {}},
        "init_type": {
            "xavier": {"init": "xavier"},
            "normal": {"init": "gaussian"},
            "orthogonal": {"init": "orthogonal"},
        },
        "no_antialias": {True: {"gen.antialias": False}, False: {"gen.antialias": True}},
        "no_antialias_up": {True: {"gen.antialias_up": False}, False: {"gen.antialias_up": True}},
        # Only one value is available here.
        "netF": {"mlp_sample": {}},
        "nce_includes_all_negatives_from_minibatch": {False: {}},
    },
    unused=(
        *("CUT_mode", "nce_layers", "normD", "pool_size", "easy_label", "evaluation_freq", "pretrained_name"),
        *("random_scale_max", "stylegan2_G_num_downsampling"),
    ),
    epochs=(200, 200),
)
"""The options of the original's `train.py`."""


def from_original(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the original's `train.py`, by names such as `lambda_NCE`, as keys of ours with dots.

    `CUT_mode` sets the defaults of some of them, as in the original.

    Raises:
        UsageError: the original has no such option, or its value is not available here.
    """
    defaults = choice("CUT_mode", options["CUT_mode"], _MODES) if "CUT_mode" in options else {}
    norm = options.get("normG", "instance")
    choice("normG", norm, NORMS)
    choice("normD", options.get("normD", norm), {norm: {}})  # The discriminator has the generator's norm.
    values = OPTIONS.training({**defaults, **options})
    return values | ({"nce_layers": _layers(options["nce_layers"])} if "nce_layers" in options else {})


def _layers(value: Any) -> tuple[int, ...]:
    """The layers in a list such as "0,4,8"."""
    try:
        return tuple(int(part) for part in str(value).split(","))
    except ValueError as error:
        raise UsageError(f"nce_layers is {shown(value)}; it must be numbers with commas, such as 0,4,8") from error
