"""The architecture of CycleGAN's generators, how they are trained, and the original's options. Imports no torch."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Lt

from imgxlate.config import NonNegativeFloat, NonNegativeInt, PositiveInt, option
from imgxlate.data.config import DataConfig, crop
from imgxlate.losses import GanLoss
from imgxlate.methods.shared.config import (
    JUDGED,
    Optimizer,
    augment_option,
    judge_features_option,
    lr_dis_option,
    optimizer_option,
)
from imgxlate.methods.shared.train_options import EPOCH, TrainOptions
from imgxlate.methods.spec import Scale, TrainingConfig, TranslatorConfig
from imgxlate.nn import Init, NormKind, Upsampling

_OPTIONS = "junyanz/pytorch-CycleGAN-and-pix2pix, options/base_options.py"
_TRAINING = "junyanz/pytorch-CycleGAN-and-pix2pix, options/train_options.py"
_MODEL = "junyanz/pytorch-CycleGAN-and-pix2pix, models/cycle_gan_model.py"

Network = Literal["resnet", "unet"]
"""A kind of generators."""


@dataclass(frozen=True, slots=True)
class CycleganConfig(TranslatorConfig):
    """CycleGAN's generators, the same for both directions."""

    network: Network = option(
        "resnet",
        "kind of network; unet, which pix2pix has too, only translates, and n_blocks and upsampling are not used",
        "models/networks.py, --netG",
    )
    ngf: PositiveInt = option(64, "channels after the first convolution", _OPTIONS)
    n_blocks: PositiveInt = option(
        9, "residual blocks: 9 for 256 pixels and above, 6 for 128", "arXiv 1703.10593, Appendix 7.2"
    )
    n_downsampling: Annotated[PositiveInt, Lt(9)] = option(
        2,
        "how often height and width are halved before the residual blocks; in a U-Net 7 (unet_128) or 8 (unet_256)",
        "models/networks.py",
    )
    norm: NormKind = option("instance", "normalization", _OPTIONS)
    upsampling: Upsampling = option(
        "transposed",
        "upsampling; nearest repeats pixels and applies a 5x5 convolution, which leaves no checkerboard pattern; "
        "resize applies a 3x3 convolution, padded with zeros, as eriklindernoren/PyTorch-GAN does",
        f"{_MODEL.replace('cycle_gan_model', 'networks')}; arXiv 1804.04732, Appendix B.2",
    )
    bias: bool = option(True, "whether convolutions before a normalization have a bias", "models/networks.py")
    dropout: bool = option(
        False,
        "whether the residual blocks were trained with dropout, which changes the names of their layers",
        _OPTIONS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleganTrainingConfig(TrainingConfig):
    """The two translations A to B and B to A, trained together."""

    iterations: PositiveInt = option(200 * EPOCH, "training steps in all", f"{_TRAINING}: 100 epochs, and 100 of decay")
    lr: NonNegativeFloat = option(2e-4, "learning rate of Adam at the start", _TRAINING)
    lr_dis: NonNegativeFloat | None = lr_dis_option()
    lr_decay_share: NonNegativeFloat = option(
        0.5,
        "share of the steps, at the end, over which the learning rate falls linearly to zero",
        _TRAINING,
    )
    weight_decay: NonNegativeFloat = option(0.0, "weight of the L2 penalty in Adam", _MODEL)
    gen: CycleganConfig = option(CycleganConfig(), "the generators", "")
    optimizer: Optimizer = optimizer_option()
    judge_features: bool = judge_features_option()
    ndf: PositiveInt = option(64, "channels after a discriminator's first convolution", _OPTIONS, fixed=True)
    n_layers: Annotated[PositiveInt, Lt(9)] = option(
        3,
        "how often a discriminator halves height and width; with 3 it scores patches of 70 x 70 pixels",
        _OPTIONS,
        fixed=True,
    )
    gan_mode: GanLoss = option("lsgan", "adversarial loss; the original calls nsgan vanilla", _TRAINING, fixed=True)
    lambda_a: NonNegativeFloat = option(10.0, "weight of the cycle from A to B and back", _MODEL)
    lambda_b: NonNegativeFloat = option(10.0, "weight of the cycle from B to A and back", _MODEL)
    lambda_identity: NonNegativeFloat = option(
        0.5,
        "weight of the identity loss, which keeps images of the target domain, as a share of lambda_a and lambda_b",
        _MODEL,
    )
    r1_w: NonNegativeFloat = option(
        0.0,
        "weight of the R1 gradient penalty on real images",
        "arXiv 1801.04406, Eq. 9",
    )
    augment: str = augment_option()
    pool_size: NonNegativeInt = option(
        50, "translated images of each domain that discriminators see again; 0: none", _TRAINING, fixed=True
    )
    init: Init = option("gaussian", "initial weights", _OPTIONS, fixed=True)
    data: DataConfig = option(
        DataConfig(resize="square", new_size=286, interpolation="bicubic"), "how images are prepared", "", fixed=False
    )

    @property
    def features(self) -> str | None:
        """The network whose features the discriminators also judge, if any."""
        return JUDGED if self.judge_features else None


PRESETS = {
    "default": CycleganTrainingConfig(),
    "blocks6_128": CycleganTrainingConfig(
        gen=CycleganConfig(n_blocks=6),
        data=DataConfig(resize="square", new_size=143, interpolation="bicubic", crop_height=128, crop_width=128),
    ),
    "small": CycleganTrainingConfig(
        iterations=20_000,
        lr=4e-4,
        gen=CycleganConfig(ngf=24, n_blocks=6, n_downsampling=1, upsampling="nearest"),
        ndf=32,
        n_layers=2,
        r1_w=1.0,
        sample_every=500,
        checkpoint_every=500,
        evaluate_every=2000,
        evaluate_images=32,
        data=DataConfig(resize="shorter", new_size=108, interpolation="bicubic", crop_height=96, crop_width=96),
    ),
    "tiny": CycleganTrainingConfig(
        iterations=2000,
        gen=CycleganConfig(ngf=8, n_blocks=2),
        ndf=8,
        n_layers=2,
        sample_every=200,
        checkpoint_every=200,
        evaluate_every=2000,
        evaluate_images=4,
        data=DataConfig(resize="shorter", new_size=72, interpolation="bicubic", crop_height=64, crop_width=64),
    ),
}
"""Named configurations, the default first."""

_LARGE = {**crop(256), "gen.n_blocks": 9, "gen.n_downsampling": 2, "n_layers": 3, "lr": 2e-4}

SCALES = (
    Scale("64 px, width 16", {**crop(64), "gen.ngf": 16}, 2000),
    Scale("96 px, width 24", {}, 5000),
    Scale("128 px, width 32", {**crop(128), "gen.ngf": 32, "ndf": 48}, 10_000),
    Scale("256 px, width 32", {**_LARGE, "gen.ngf": 32, "ndf": 48}, 40_000),
    Scale("256 px, width 64", {**_LARGE, "gen.ngf": 64, "ndf": 64}, 80_000),
)
"""Variants of the preset `small` for `--hours`. The bundled model took 4,500 steps at 96 px and width 24."""

OPTIONS = TrainOptions(
    norm="norm",
    same={
        "lambda_A": "lambda_a",
        "lambda_B": "lambda_b",
        "lambda_identity": "lambda_identity",
        "pool_size": "pool_size",
    },
    words={"model": {"cycle_gan": {}}, "init_type": {"normal": {"init": "gaussian"}}},
    unused=("use_wandb", "wandb_project_name"),
    epochs=(100, 100),
)
"""The options of the original's `train.py`."""

from_original = OPTIONS.training
