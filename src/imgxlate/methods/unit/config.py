"""The architecture of UNIT's networks, and how they are trained."""

from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Lt

from imgxlate.config import NonNegativeFloat, NonNegativeInt, PositiveInt, option
from imgxlate.data.config import DataConfig
from imgxlate.methods.shared.config import (
    DiscriminatorConfig,
    LrPolicy,
    Optimizer,
    PerceptualConfig,
    augment_option,
    autoencoder_scales,
    judge_features_option,
    lr_dis_option,
    lr_policy_option,
    optimizer_option,
    perceptual_option,
    sample_every_option,
    spectral_gen_option,
)
from imgxlate.methods.shared.yaml_options import yaml_reader
from imgxlate.methods.spec import TrainingConfig, TranslatorConfig
from imgxlate.nn import Activation, Init, NormKind, Padding

_YAML = "mingyuliutw/UNIT, configs/*.yaml"
_YOSEMITE = "mingyuliutw/UNIT, configs/unit_summer2winter_yosemite256_folder.yaml"


@dataclass(frozen=True, slots=True)
class UnitConfig(TranslatorConfig):
    """UNIT's generators, the same for both domains. The names are those of the original's yaml, under `gen`."""

    dim: PositiveInt = option(64, "channels after the first convolution of the encoder", _YAML)
    activ: Activation = option("relu", "activation; only prelu shows in the weights", _YAML)
    n_downsample: Annotated[NonNegativeInt, Lt(9)] = option(2, "how often the encoder halves height and width", _YAML)
    n_res: PositiveInt = option(4, "residual blocks in the encoder, and in the decoder", _YAML)
    pad_type: Padding = option("reflect", "padding; does not show in the weights", _YAML)
    norm: NormKind = option(
        "instance", "normalization in the encoder and in the decoder's residual blocks", "mingyuliutw/UNIT, networks.py"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTrainingConfig(TrainingConfig):
    """UNIT's training. The names are those of the original's yaml; the values of its summer2winter_yosemite256."""

    gen: UnitConfig = option(UnitConfig(), "the generators", "")
    dis: DiscriminatorConfig = option(DiscriminatorConfig(), "the discriminators", "")
    augment: str = augment_option()
    lr_dis: NonNegativeFloat | None = lr_dis_option()
    optimizer: Optimizer = optimizer_option()
    judge_features: bool = judge_features_option("vgg.network")
    share_latent: bool = option(
        False,
        "whether both domains share the last block of the encoders and the first of the decoders",
        "mingyuliutw/UNIT, networks.py: not; arXiv 1703.00848, Sec. 3: they are",
        fixed=True,
    )
    spectral_gen: bool = spectral_gen_option()
    init: Init = option("kaiming", "initial weights of the generators", _YAML, fixed=True)
    gan_w: NonNegativeFloat = option(1.0, "weight of the adversarial loss", _YAML)
    recon_x_w: NonNegativeFloat = option(10.0, "weight of reconstructing images", _YAML)
    recon_kl_w: NonNegativeFloat = option(0.01, "weight of the KL divergence of the codes from N(0, I)", _YAML)
    recon_x_cyc_w: NonNegativeFloat = option(10.0, "weight of the cycle to the other domain and back", _YAML)
    recon_kl_cyc_w: NonNegativeFloat = option(
        0.01, "weight of the KL divergence of translated images' codes from N(0, I)", _YAML
    )
    vgg_w: NonNegativeFloat = option(0.0, "weight of the domain-invariant perceptual loss", _YOSEMITE)
    vgg: PerceptualConfig = perceptual_option()
    lr_policy: LrPolicy = lr_policy_option(_YAML)
    step_size: PositiveInt = option(100_000, "steps after which the learning rate changes", _YAML)
    gamma: NonNegativeFloat = option(0.5, "factor by which the learning rate changes", _YAML)
    display_size: PositiveInt = option(16, "images of each domain in the samples", _YOSEMITE)
    sample_every: PositiveInt = sample_every_option(_YAML)
    checkpoint_every: PositiveInt = option(10_000, "steps between checkpoints", f"{_YAML}, snapshot_save_iter")

    @property
    def features(self) -> str | None:
        """The network of the perceptual loss, if that has a weight, and of what discriminators judge."""
        return self.vgg.network if self.vgg_w or self.judge_features else None


_YOSEMITE256 = UnitTrainingConfig()
_GTA2CITY = replace(_YOSEMITE256, vgg_w=1.0, display_size=4)

PRESETS = {
    "summer2winter_yosemite256": _YOSEMITE256,
    "edges2shoes": _YOSEMITE256,
    "edges2handbags": _YOSEMITE256,
    "gta2city_folder": _GTA2CITY,
    "gta2city_list": replace(_GTA2CITY, data=DataConfig(new_size=512, crop_height=512, crop_width=512)),
    "small": replace(
        _YOSEMITE256,
        iterations=20_000,
        lr=4e-4,
        lr_policy="constant",
        gen=UnitConfig(dim=16, n_downsample=1),  # Images of 100 pixels have little detail to lose.
        dis=DiscriminatorConfig(dim=32, n_layer=3, r1_w=1.0),  # Without the penalty, stripes and lattices appear.
        data=DataConfig(new_size=104, crop_height=96, crop_width=96),
        display_size=4,
        sample_every=1000,
        checkpoint_every=1000,
        evaluate_every=2000,
        evaluate_images=32,
    ),
    "tiny": replace(
        _YOSEMITE256,
        iterations=2000,
        lr=2e-4,
        step_size=1000,
        gen=UnitConfig(dim=4, n_res=1),
        dis=DiscriminatorConfig(dim=8, n_layer=3, num_scales=2),
        data=DataConfig(new_size=72, crop_height=64, crop_width=64),
        display_size=4,
        sample_every=200,
        checkpoint_every=200,
        evaluate_every=2000,
        evaluate_images=4,
    ),
}
"""Named configurations, the default first; the original's have its values except `data.workers`."""

SCALES = autoencoder_scales()

from_original = yaml_reader(
    weights=("gan_w", "recon_x_w", "recon_kl_w", "recon_x_cyc_w", "recon_kl_cyc_w", "vgg_w"),
    unused=("recon_h_w", "gen.mlp_dim", "gen.style_dim"),
)
