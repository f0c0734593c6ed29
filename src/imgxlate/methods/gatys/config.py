"""The options of neural style, and the published variants as presets.

Where the paper and the authors' codes differ, the difference is an option here; `DEVIATIONS.md` lists the differences.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, IsFinite

from imgxlate.config import NonNegativeFloat, PositiveInt, option
from imgxlate.errors import UsageError
from imgxlate.losses import Variation
from imgxlate.methods.spec import MethodConfig

_RELU_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_CONV_STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")

# Panels of `imgxlate neural-style --help`.
_IMAGE = "Options"
_OBJECTIVE = "Objective"
_OPTIMIZATION = "Optimization"

_AUTHOR = "leongatys/PytorchNeuralStyleTransfer"
_JOHNSON = "neural-style-pt, as jcjohnson/neural-style"


def _require(condition: bool, name: str, reason: str) -> None:
    if not condition:
        raise UsageError(f"{name} {reason}")


@dataclass(frozen=True, slots=True)
class GatysConfig(MethodConfig):
    """Neural style by optimization. Lengths are in pixels, colors in gray levels from 0 to 255."""

    size: PositiveInt = option(
        512, "longer side of the image in pixels; 4096 with the preset print", _JOHNSON, panel=_IMAGE
    )
    style_weights: tuple[NonNegativeFloat, ...] = option(
        (), "a weight for each style image; none: equal weights", _JOHNSON, panel=_IMAGE, metavar="W,W,..."
    )
    style_scale: Annotated[IsFinite[float], Ge(0.01)] = option(
        1.0, "longer side of the style images, relative to that of the image", _JOHNSON, panel=_IMAGE
    )
    preserve_color: Literal["off", "luminance", "match"] = option(
        "off",
        "keep the content's colors: paint its luminance only, or give the style images its colors first",
        "arXiv 1611.07865, section 5",
        panel=_IMAGE,
    )
    init: Literal["content", "style", "noise"] = option("content", "the image to start from", _AUTHOR)
    noise: NonNegativeFloat = option(
        50.0, "standard deviation of the noise to start from, about the mean gray", "chosen here"
    )

    content_weight: NonNegativeFloat = option(
        80.0, "weight of the content loss: more keeps more of the photograph", "chosen here", panel=_OBJECTIVE
    )
    style_weight: NonNegativeFloat = option(
        1e3, "weight of the style loss: more takes more of the style", _AUTHOR, panel=_OBJECTIVE
    )
    tv_weight: NonNegativeFloat = option(
        0.0, "weight of the total variation: more smooths the image", _AUTHOR, panel=_OBJECTIVE
    )
    content_layers: tuple[str, ...] = option(
        ("relu4_2",), "layers whose features are the content", _AUTHOR, panel=_OBJECTIVE, metavar="L,L,..."
    )
    style_layers: tuple[str, ...] = option(
        _RELU_STYLE, "layers whose Gram matrices are the style", _AUTHOR, panel=_OBJECTIVE, metavar="L,L,..."
    )
    style_layer_weighting: Literal["each", "average", "channels"] = option(
        "channels", "each layer's weight: 1, 1 / number of layers, or 1 / channels squared", _AUTHOR
    )
    style_layer_factors: tuple[NonNegativeFloat, ...] = option(
        (), "further factors of the style layers; none: all 1", "chosen here"
    )
    content_error: Literal["mean", "half-sum"] = option(
        "mean", "squared differences of features: their mean, or half their sum", _AUTHOR
    )
    style_error: Literal["mean", "quarter-sum"] = option(
        "mean", "squared differences of Gram matrices: their mean, or a quarter of their sum", _AUTHOR
    )
    gram_scaling: Literal["positions", "elements"] = option(
        "positions", "Gram matrices are divided by the number of positions, or of positions times channels", _AUTHOR
    )
    normalised: bool = option(
        False, "scale the features of each layer to a mean square of 1 over the target image", "chosen here"
    )
    tv_kind: Variation = option(
        "absolute", "total variation: sum of the absolute or of the squared differences of neighbors", _JOHNSON
    )
    range_weight: NonNegativeFloat = option(
        1e6,
        "weight of the mean squared excess of colors beyond black and white, which clipping removes",
        "chosen here",
    )
    temporal_weight: NonNegativeFloat = option(
        1e4,
        "film: weight of the mean squared difference from the last frame, moved along the optical flow",
        "manuelruder/artistic-videos",
    )
    pooling: Literal["max", "average"] = option("max", "how VGG-19 halves its feature maps", _AUTHOR, panel=_OBJECTIVE)
    convention: Literal["auto", "caffe", "caffe-rgb", "torchvision"] = option(
        "auto", "how the feature network expects its pixels; auto: derived from the weights", "chosen here"
    )

    iterations: PositiveInt = option(
        45, "evaluations of the objective at the full size", "chosen here", panel=_OPTIMIZATION
    )
    scales: PositiveInt | None = option(
        None,
        "number of sizes, from small to full; none: all sizes of at least coarsest_size pixels",
        "chosen here",
        panel=_OPTIMIZATION,
    )
    scale_factor: Annotated[IsFinite[float], Ge(1.1)] = option(
        2.0, "ratio of one size to the one before", "chosen here"
    )
    coarsest_size: PositiveInt = option(128, "longer side of the smallest size, if scales is none", "crowsonkb")
    optimizer: Literal["lbfgs", "adam"] = option("lbfgs", "how the image is optimized", _AUTHOR, panel=_OPTIMIZATION)
    learning_rate: Annotated[IsFinite[float], Gt(0)] | None = option(
        None,
        "L-BFGS: factor of each step (none: 1); Adam: step in gray levels (none: 10)",
        _JOHNSON,
        panel=_OPTIMIZATION,
    )
    history_size: PositiveInt = option(20, "L-BFGS: how many steps it remembers", "chosen here")
    coarse_iterations: PositiveInt = option(
        80, "evaluations of the objective at each smaller size", "chosen here", panel=_OPTIMIZATION
    )
    frame_iterations: PositiveInt = option(
        20, "film: evaluations of the objective at each frame that follows another", "chosen here"
    )
    iteration_growth: Annotated[IsFinite[float], Ge(1)] | None = option(
        None,
        "each smaller size takes this many times the iterations of the next larger one, at most coarse_iterations; "
        "none: coarse_iterations",
        "chosen here",
    )

    def __post_init__(self) -> None:
        """Check combinations of values.

        Raises:
            UsageError: a layer is named twice, style layers and their factors differ in number, or all style weights
                are zero.
        """
        for name in ("content_layers", "style_layers"):
            layers = getattr(self, name)
            _require(len({*layers}) == len(layers), name, "must not name a layer twice")
        _require(
            len(self.style_layer_factors) in (0, len(self.style_layers)),
            "style_layer_factors",
            f"has {len(self.style_layer_factors)} values for {len(self.style_layers)} style layers; give as many",
        )
        _require(not self.style_weights or any(self.style_weights), "style_weights", "must not be all zero")


AUTHOR = GatysConfig(scales=1, iterations=500, content_weight=1.0, range_weight=0.0, history_size=100)

JOHNSON = GatysConfig(
    scales=1,
    iterations=1000,
    content_weight=5.0,
    style_weight=1e2,
    style_layer_weighting="each",
    gram_scaling="elements",
    tv_weight=1e-3,
    temporal_weight=1e3,
    range_weight=0.0,
    history_size=100,
    init="noise",
    noise=1e-3,
)

PAPER = GatysConfig(
    scales=1,
    iterations=500,
    content_layers=("conv4_2",),
    style_layers=_CONV_STYLE,
    content_weight=1e-3,
    style_weight=1.0,
    style_layer_weighting="average",
    content_error="half-sum",
    style_error="quarter-sum",
    gram_scaling="elements",
    range_weight=0.0,
    pooling="average",
    history_size=100,
    init="noise",
)

PRINT = GatysConfig(size=4096, iterations=25, iteration_growth=2.0)

PRESETS = {"default": GatysConfig(), "author": AUTHOR, "johnson": JOHNSON, "paper": PAPER, "print": PRINT}
