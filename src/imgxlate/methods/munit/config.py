"""The architecture of MUNIT's networks, and how they are trained."""

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

_YAML = "NVlabs/MUNIT, configs/*.yaml"
_YOSEMITE = "NVlabs/MUNIT, configs/summer2winter_yosemite256_folder.yaml"


@dataclass(frozen=True, slots=True)
class MunitConfig(TranslatorConfig):
    """MUNIT's generators, the same for both domains. The names are those of the original's yaml, under `gen`."""

    dim: PositiveInt = option(64, "channels after the first convolution of each encoder", _YAML)
    mlp_dim: PositiveInt = option(256, "width of the network that turns a style code into AdaIN parameters", _YAML)
    style_dim: PositiveInt = option(8, "length of a style code", _YAML)
    activ: Activation = option("relu", "activation; only prelu shows in the weights", _YAML)
    n_downsample: Annotated[NonNegativeInt, Lt(9)] = option(
        2, "how often the content encoder halves height and width", _YAML
    )
    n_res: PositiveInt = option(4, "residual blocks in the content encoder, and in the decoder", _YAML)
    pad_type: Padding = option("reflect", "padding; does not show in the weights", _YAML)
    norm: NormKind = option("instance", "normalization in the content encoder", "NVlabs/MUNIT, networks.py:206-221")


@dataclass(frozen=True, slots=True, kw_only=True)
class MunitTrainingConfig(TrainingConfig):
    """MUNIT's training. The names are those of the original's yaml; the values of its summer2winter_yosemite256."""

    gen: MunitConfig = option(MunitConfig(), "the generators", "")
    dis: DiscriminatorConfig = option(DiscriminatorConfig(), "the discriminators", "")
    augment: str = augment_option()
    lr_dis: NonNegativeFloat | None = lr_dis_option()
    optimizer: Optimizer = optimizer_option()
    judge_features: bool = judge_features_option("vgg.network")
    spectral_gen: bool = spectral_gen_option()
    init: Init = option("kaiming", "initial weights of the generators", _YAML, fixed=True)
    gan_w: NonNegativeFloat = option(1.0, "weight of the adversarial loss", _YAML)
    recon_x_w: NonNegativeFloat = option(10.0, "weight of reconstructing images", _YAML)
    recon_s_w: NonNegativeFloat = option(1.0, "weight of reconstructing style codes", _YAML)
    recon_c_w: NonNegativeFloat = option(1.0, "weight of reconstructing content codes", _YAML)
    detach_content: bool = option(
        False,
        "whether content codes as targets have no gradient",
        "NVlabs/MUNIT, trainer.py; NVlabs/imaginaire: they have none",
    )
    recon_x_cyc_w: NonNegativeFloat = option(
        10.0, "weight of the style-augmented cycle; 0 suits domains whose shapes differ", _YOSEMITE
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


_YOSEMITE256 = MunitTrainingConfig()
_EDGES = replace(_YOSEMITE256, recon_x_cyc_w=0.0)
_DEMO = replace(_EDGES, display_size=8, sample_every=1000)

PRESETS = {
    "summer2winter_yosemite256": _YOSEMITE256,
    "edges2shoes": _EDGES,
    "edges2handbags": _EDGES,
    "demo_edges2handbags_folder": _DEMO,
    "demo_edges2handbags_list": _DEMO,
    "synthia2cityscape": replace(
        _YOSEMITE256, vgg_w=1.0, data=DataConfig(new_size=512, crop_height=512, crop_width=512)
    ),
    "imaginaire_summer2winter_hd": replace(
        _YOSEMITE256,
        iterations=200_000,
        batch_size=8,
        lr_dis=4e-4,
        lr_policy="constant",
        weight_decay=0.0,
        ema=0.9999,
        gen=MunitConfig(n_downsample=3),
        dis=DiscriminatorConfig(dim=48, n_layer=5, norm="spectral", gan_type="hinge"),
        spectral_gen=True,
        detach_content=True,
        init="orthogonal",
        data=DataConfig(resize="square", new_size=1024, crop_height=1024, crop_width=1024),
        sample_every=5000,
        checkpoint_every=5000,
    ),
    "small": replace(
        _YOSEMITE256,
        iterations=20_000,
        lr=4e-4,
        lr_policy="constant",
        gen=MunitConfig(dim=16, mlp_dim=64, n_downsample=1),  # Images of 100 pixels have little detail to lose.
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
        gen=MunitConfig(dim=4, mlp_dim=16, n_res=1),
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

SCALES = autoencoder_scales({"gen.mlp_dim": 256})

from_original = yaml_reader(
    weights=("gan_w", "recon_x_w", "recon_s_w", "recon_c_w", "recon_x_cyc_w", "vgg_w"),
    generator=("mlp_dim", "style_dim"),
)
