"""The architecture of CycleGAN's generators, how they are trained, and the original's options. Imports no torch."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Lt

from imgxlate.config import NonNegativeFloat, NonNegativeInt, PositiveInt, did_you_mean, option, shown
from imgxlate.data.config import DataConfig
from imgxlate.errors import UsageError
from imgxlate.losses import GanLoss
from imgxlate.methods.shared.config import augment_option
from imgxlate.methods.spec import MethodConfig, TrainingConfig
from imgxlate.nn import Init, NormKind, Upsampling

EPOCH = 1334
"""Images in an epoch, to convert epochs to steps: the number in the larger folder of horse2zebra."""

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
        2, "how often height and width are halved before the residual blocks", "models/networks.py"
    )
    norm: NormKind = option("instance", "normalization", _OPTIONS)
    upsampling: Upsampling = option(
        "transposed",
        "upsampling; nearest repeats pixels and applies a 5x5 convolution, which leaves no checkerboard pattern",
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
    lr_dis: NonNegativeFloat | None = option(
        None, "learning rate of Adam for the discriminators; none: lr", "arXiv 1706.08500, Sec. 2"
    )
    lr_decay_share: NonNegativeFloat = option(
        0.5,
        "share of the steps, at the end, over which the learning rate falls linearly to zero",
        _TRAINING,
    )
    weight_decay: NonNegativeFloat = option(0.0, "weight of the L2 penalty in Adam", _MODEL)
    gen: CycleganConfig = option(CycleganConfig(), "the generators", "")
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

_SAME = {
    "ngf": "gen.ngf",
    "ndf": "ndf",
    "lambda_A": "lambda_a",
    "lambda_B": "lambda_b",
    "lambda_identity": "lambda_identity",
    "pool_size": "pool_size",
    "lr": "lr",
    "beta1": "beta1",
    "batch_size": "batch_size",
    "load_size": "data.new_size",
}

_WORDS: dict[str, dict[Any, dict[str, Any]]] = {
    "gan_mode": {"lsgan": {"gan_mode": "lsgan"}, "vanilla": {"gan_mode": "nsgan"}},
    "norm": {
        "instance": {"gen.norm": "instance", "gen.bias": True},
        "batch": {"gen.norm": "batch", "gen.bias": False},
        "none": {"gen.norm": "none", "gen.bias": False},
    },
    "preprocess": {
        "resize_and_crop": {"data.resize": "square"},
        "scale_width_and_crop": {"data.resize": "width"},
        "crop": {"data.resize": "none"},
    },
    "no_flip": {True: {"data.flip": False}, False: {"data.flip": True}},
    "no_dropout": {True: {"gen.dropout": False}, False: {"gen.dropout": True}},
    # Only one value is available here.
    "model": {"cycle_gan": {}},
    "dataset_mode": {"unaligned": {}},
    "direction": {"AtoB": {}},
    "input_nc": {3: {}},
    "output_nc": {3: {}},
    "init_type": {"normal": {"init": "gaussian"}},
    "init_gain": {0.02: {}},
    "lr_policy": {"linear": {}},
    "serial_batches": {False: {}},
    "max_dataset_size": {"inf": {}, math.inf: {}},
}

_EPOCHS = {"n_epochs": 100, "n_epochs_decay": 100}
_LEFT_OUT = frozenset(
    {
        *("name", "suffix", "dataroot", "checkpoints_dir", "gpu_ids", "num_threads", "phase", "isTrain"),
        *("continue_train", "epoch", "epoch_count", "load_iter", "lr_decay_iters", "print_freq", "verbose"),
        *("save_latest_freq", "save_epoch_freq", "save_by_iter", "display_freq", "display_ncols", "display_id"),
        *("display_server", "display_env", "display_port", "display_winsize", "update_html_freq", "no_html"),
        *("use_wandb", "wandb_project_name"),
    }
)
_COMPUTED = frozenset({"netG", "netD", "n_layers_D", "crop_size", *_EPOCHS})
_KNOWN = _LEFT_OUT | _COMPUTED | _SAME.keys() | _WORDS.keys()


def from_original(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the original's `train.py`, by names such as `n_layers_D`, as keys of ours with dots.

    Options about files and display are left out. Epochs become steps as if each had `EPOCH` images.

    Raises:
        UsageError: the original has no such option, or its value is not available here.
    """
    for key in options:
        if key not in _KNOWN:
            hint = did_you_mean(str(key), sorted(_KNOWN)) or "Give the options of the original's train.py."
            raise UsageError(f"unknown key {key!r}", hint=hint)
    values = {ours: options[theirs] for theirs, ours in _SAME.items() if theirs in options}
    for key in _WORDS:
        if key in options:
            values |= _choice(key, options[key], _WORDS[key])
    if "netG" in options:
        values["gen.n_blocks"] = blocks(options["netG"])
    if "crop_size" in options:
        values |= dict.fromkeys(("data.crop_height", "data.crop_width"), options["crop_size"])
    return values | _patches(options) | _steps(options)


def blocks(name: Any) -> int:
    """The number of residual blocks that `netG` names.

    Raises:
        UsageError: it names another kind of generator.
    """
    found = re.fullmatch(r"resnet_(\d{1,4})blocks", name) if isinstance(name, str) else None
    if found is None:
        raise UsageError(f"netG is {shown(name)}; CycleGAN runs here with resnet_9blocks and the like")
    return int(found[1])


def _choice(key: str, value: Any, meanings: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    for word, meaning in meanings.items():
        if word == value:
            return meaning
    known = " or ".join(str(word) for word in meanings)
    raise UsageError(f"{key} is {shown(value)}, which is not available here", hint=f"Known here: {known}.")


def _patches(options: Mapping[str, Any]) -> dict[str, Any]:
    """The depth of the discriminators: the original uses `n_layers_D` only if `netD` is n_layers."""
    if not options.keys() & {"netD", "n_layers_D"}:
        return {}
    basic = {"n_layers": 3}
    deeper = {"n_layers": options.get("n_layers_D", 3)}
    return _choice("netD", options.get("netD", "basic"), {"basic": basic, "n_layers": deeper})


def _steps(options: Mapping[str, Any]) -> dict[str, Any]:
    if not options.keys() & _EPOCHS.keys():
        return {}
    constant, decay = (_number(key, options.get(key, default)) for key, default in _EPOCHS.items())
    if constant + decay <= 0:
        raise UsageError("n_epochs and n_epochs_decay are 0 together")
    steps = round((constant + decay) * EPOCH / max(1, _number("batch_size", options.get("batch_size", 1))))
    return {"iterations": steps, "lr_decay_share": decay / (constant + decay)}


def _number(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise UsageError(f"{key} is {shown(value)}; it must be a whole number of 0 or more")
    return value
