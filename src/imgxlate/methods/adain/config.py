"""The architecture of AdaIN's decoder, and how it is trained. Imports no torch."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, IsFinite

from imgxlate.config import NonNegativeFloat, PositiveInt, option
from imgxlate.data.config import DataConfig
from imgxlate.methods.shared.config import Optimizer, optimizer_option
from imgxlate.methods.spec import Decay, MethodConfig, TrainingConfig

_PAPER = "arXiv 1703.06868"
_CODE = "naoto0804/pytorch-AdaIN, train.py"

FEATURES = "vgg19"
"""The encoder: the VGG-19 in the package."""


@dataclass(frozen=True, slots=True)
class AdainConfig(MethodConfig):
    """AdaIN's decoder, which mirrors the encoder: VGG-19 up to a layer, with nearest upsampling for its poolings."""

    layer: Literal["relu2_1", "relu3_1", "relu4_1"] = option(
        "relu4_1", "the layer of VGG-19 whose features are normalized and decoded", f"{_PAPER}, Sec. 5.1"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdainTrainingConfig(TrainingConfig):
    """The training of the decoder: domain A holds content images, domain B style images."""

    iterations: PositiveInt = option(160_000, "training steps in all", _CODE)
    batch_size: PositiveInt = option(
        8, "pairs of a content and a style image in a step, over all processes", f"{_PAPER}, Sec. 5.2"
    )
    gen: AdainConfig = option(AdainConfig(), "the decoder", "")
    optimizer: Optimizer = optimizer_option(_CODE)
    beta1: Decay = option(0.9, "decay of Adam's first moment", _CODE)
    weight_decay: NonNegativeFloat = option(0.0, "weight of the L2 penalty in Adam", _CODE)
    lr_decay: NonNegativeFloat = option(5e-5, "the learning rate at a step is lr / (1 + lr_decay * step)", _CODE)
    content_weight: NonNegativeFloat = option(1.0, "weight of the content loss", _CODE)
    style_weight: Annotated[IsFinite[float], Gt(0)] = option(10.0, "weight of the style loss", _CODE)
    data: DataConfig = option(DataConfig(new_size=512), "how images are prepared", f"{_PAPER}, Sec. 5.2", fixed=False)

    @property
    def features(self) -> str:
        """The encoder."""
        return FEATURES


PRESETS = {
    "default": AdainTrainingConfig(evaluate_every=0),
    "small": AdainTrainingConfig(
        iterations=12_000,
        batch_size=4,
        optimizer="muon",
        lr=3e-4,
        lr_decay=3e-4,
        style_weight=3.0,
        evaluate_every=0,
        gen=AdainConfig(layer="relu3_1"),
        sample_every=500,
        checkpoint_every=500,
        # A small crop of a small image is as varied as a large one of a large image, and takes a quarter of the time.
        data=DataConfig(new_size=80, zoom=2.5, crop_height=64, crop_width=64),
    ),
    "tiny": AdainTrainingConfig(
        iterations=2000,
        batch_size=2,
        lr=1e-3,
        evaluate_every=0,
        gen=AdainConfig(layer="relu2_1"),
        sample_every=200,
        checkpoint_every=200,
        data=DataConfig(new_size=72, crop_height=64, crop_width=64),
    ),
}
"""Named configurations, the default first."""
