"""The architecture of CycleGAN's generators, and how they are trained."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Lt

from imgxlate.config import NonNegativeFloat, NonNegativeInt, PositiveInt, option
from imgxlate.data.config import DataConfig
from imgxlate.losses.kinds import Gan
from imgxlate.methods.spec import MethodConfig
from imgxlate.methods.training import TrainingConfig
from imgxlate.nn.kinds import Init, NormKind, Upsampling

EPOCH = 1334
"""Pictures in an epoch where the originals' epochs become steps: those of the larger folder of horse2zebra."""

_OPTIONS = "junyanz/pytorch-CycleGAN-and-pix2pix, options/base_options.py"
_TRAINING = "junyanz/pytorch-CycleGAN-and-pix2pix, options/train_options.py"
_MODEL = "junyanz/pytorch-CycleGAN-and-pix2pix, models/cycle_gan_model.py"


@dataclass(frozen=True, slots=True)
class CycleganConfig(MethodConfig):
    """CycleGAN's ResNet generators, the same for both directions."""

    ngf: PositiveInt = option(64, "channels after the first convolution", _OPTIONS)
    n_blocks: PositiveInt = option(
        9, "residual blocks: 9 for 256 pixels and above, 6 for 128", "arXiv 1703.10593, Appendix 7.2"
    )
    n_downsampling: Annotated[PositiveInt, Lt(9)] = option(
        2, "how often the sides are halved before the residual blocks", "models/networks.py"
    )
    norm: NormKind = option("instance", "normalisation", _OPTIONS)
    upsampling: Upsampling = option(
        "transposed",
        "how sides are doubled; nearest: repeated pixels, then a 5x5 convolution, which leave no checkerboard",
        f"{_MODEL.replace('cycle_gan_model', 'networks')}; arXiv 1804.04732, Appendix B.2",
    )
    bias: bool = option(True, "whether convolutions that a normalisation follows have a bias", "models/networks.py")
    dropout: bool = option(
        False, "whether the residual blocks were trained with dropout, which shifts the names of their layers", _OPTIONS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleganTrainingConfig(TrainingConfig):
    """The two translations A to B and B to A, trained together."""

    iterations: PositiveInt = option(200 * EPOCH, "training steps in all", f"{_TRAINING}: 100 epochs, and 100 of decay")
    lr: NonNegativeFloat = option(2e-4, "learning rate of Adam at the start", _TRAINING)
    lr_decay_share: NonNegativeFloat = option(
        0.5,
        "share of the steps, the last ones, in which the learning rate falls linearly to zero",
        _TRAINING,
    )
    weight_decay: NonNegativeFloat = option(0.0, "weight of the L2 penalty in Adam", _MODEL)
    gen: CycleganConfig = option(CycleganConfig(), "the generators", "")
    ndf: PositiveInt = option(64, "channels after a discriminator's first convolution", _OPTIONS, fixed=True)
    n_layers: Annotated[PositiveInt, Lt(9)] = option(
        3,
        "halvings of the sides in a discriminator: 3 make it judge patches of 70 x 70 pixels",
        _OPTIONS,
        fixed=True,
    )
    gan_mode: Gan = option("lsgan", "adversarial loss; nsgan is the original's vanilla", _TRAINING, fixed=True)
    lambda_a: NonNegativeFloat = option(10.0, "weight of the cycle from A over B to A", _MODEL)
    lambda_b: NonNegativeFloat = option(10.0, "weight of the cycle from B over A to B", _MODEL)
    lambda_identity: NonNegativeFloat = option(
        0.5,
        "weight of leaving alone what is of the target domain, as a share of lambda_a and lambda_b",
        _MODEL,
    )
    r1_w: NonNegativeFloat = option(
        0.0,
        "weight of the penalty on the discriminators' gradient at real pictures (R1)",
        "arXiv 1801.04406, Eq. 9",
    )
    pool_size: NonNegativeInt = option(
        50, "made pictures of each domain that discriminators see again; 0: none", _TRAINING, fixed=True
    )
    init: Init = option("gaussian", "initial weights", _OPTIONS, fixed=True)
    data: DataConfig = option(
        DataConfig(resize="square", new_size=286, interpolation="bicubic"), "how pictures are prepared", "", fixed=False
    )


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
        data=DataConfig(resize="shorter", new_size=108, interpolation="bicubic", crop_height=96, crop_width=96),
    ),
    "tiny": CycleganTrainingConfig(
        iterations=2000,
        gen=CycleganConfig(ngf=8, n_blocks=2),
        ndf=8,
        n_layers=2,
        sample_every=200,
        checkpoint_every=200,
        data=DataConfig(resize="shorter", new_size=72, interpolation="bicubic", crop_height=64, crop_width=64),
    ),
}
"""Named configurations, the default first."""
