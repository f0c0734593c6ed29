"""The options of neural style, and the published variants as presets.

Where the paper and the authors' codes differ, the difference is an option here; `DEVIATIONS.md` lists who does what.
"""

from dataclasses import dataclass
from typing import Literal

from imgxlate.config import option
from imgxlate.errors import UsageError
from imgxlate.methods.spec import MethodConfig

_RELU_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_CONV_STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")

_PAPER = "arXiv 1508.06576"
_AUTHOR = "leongatys/PytorchNeuralStyleTransfer"
_JOHNSON = "neural-style-pt, as jcjohnson/neural-style"


def _require(condition: bool, name: str, reason: str) -> None:
    if not condition:
        raise UsageError(f"{name} {reason}")


@dataclass(frozen=True, slots=True)
class GatysConfig(MethodConfig):
    """Neural style by optimisation. Lengths are in pixels, colours in grey levels from 0 to 255."""

    size: int = option(512, "longer side of the picture", _JOHNSON)
    scales: int | None = option(
        None, "how many sizes, coarse to fine; none: as many as are at least coarsest_size", "chosen here"
    )
    scale_factor: float = option(2.0, "ratio of one size to the one before", "chosen here")
    coarsest_size: int = option(128, "longer side at which to begin where scales is not given", "crowsonkb")
    iterations: int = option(45, "evaluations of the objective at the full size", "chosen here")
    coarse_iterations: int = option(80, "evaluations at each smaller size", "chosen here")

    content_layers: tuple[str, ...] = option(("relu4_2",), "layers whose features are the content", _AUTHOR)
    style_layers: tuple[str, ...] = option(_RELU_STYLE, "layers whose Gram matrices are the style", _AUTHOR)
    content_weight: float = option(80.0, "weight of the content loss", "chosen here")
    style_weight: float = option(1e3, "weight of the style loss", _AUTHOR)
    style_layer_weighting: Literal["each", "average", "channels"] = option(
        "channels", "each layer's weight: 1, 1 / number of layers, or 1 / channels squared", _AUTHOR
    )
    style_layer_factors: tuple[float, ...] = option(
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
        False, "features are scaled, layer by layer, to a mean square of 1 over the image to match", "chosen here"
    )
    tv_weight: float = option(0.0, "weight of the total variation", _AUTHOR)
    tv_kind: Literal["absolute", "squared"] = option(
        "absolute", "total variation: sum of the absolute or of the squared differences of neighbours", _JOHNSON
    )
    range_weight: float = option(
        1e6,
        "weight of the mean square of what colours go beyond black and white, which clipping takes away",
        "chosen here",
    )
    pooling: Literal["max", "average"] = option("max", "how feature maps are halved", _AUTHOR)
    convention: Literal["auto", "caffe", "caffe-rgb", "torchvision"] = option(
        "auto", "how the feature network wants its pixels; auto: as its file says", "chosen here"
    )

    optimizer: Literal["lbfgs", "adam"] = option("lbfgs", "how the picture is optimised", _AUTHOR)
    learning_rate: float | None = option(
        None, "L-BFGS: factor of each step (none: 1); Adam: step in grey levels (none: 10)", _JOHNSON
    )
    history_size: int = option(20, "L-BFGS: how many steps it remembers", "chosen here")
    init: Literal["content", "style", "noise"] = option("content", "what the picture begins as", _AUTHOR)
    noise: float = option(
        50.0, "standard deviation of the noise that init may ask for, about the mean grey", "chosen here"
    )

    style_scale: float = option(1.0, "longer side of the style images, in longer sides of the picture", _JOHNSON)
    style_weights: tuple[float, ...] = option((), "weights of the style images; none: all the same", _JOHNSON)
    preserve_color: Literal["off", "luminance", "match"] = option(
        "off",
        "keep the content's colours: paint its luminance only, or give the style images its colours first",
        "arXiv 1611.07865, section 5",
    )

    def __post_init__(self) -> None:
        for name in ("size", "iterations", "coarse_iterations", "coarsest_size", "history_size"):
            _require(getattr(self, name) >= 1, name, "must be at least 1")
        _require(self.learning_rate is None or self.learning_rate > 0, "learning_rate", "must be above 0")
        _require(self.style_scale > 0, "style_scale", "must be above 0")
        for name in ("content_weight", "style_weight", "tv_weight", "range_weight", "noise"):
            _require(getattr(self, name) >= 0, name, "must not be negative")
        _require(self.scales is None or self.scales >= 1, "scales", "must be at least 1")
        _require(self.scale_factor >= 1.1, "scale_factor", "must be at least 1.1")
        for name in ("content_layers", "style_layers"):
            layers = getattr(self, name)
            _require(len({*layers}) == len(layers), name, "must not name a layer twice")
        _require(
            len(self.style_layer_factors) in (0, len(self.style_layers)),
            "style_layer_factors",
            f"has {len(self.style_layer_factors)} values for {len(self.style_layers)} style layers",
        )
        _require(
            not self.style_weights or (min(self.style_weights) >= 0 and sum(self.style_weights) > 0),
            "style_weights",
            "must not be negative, nor all zero",
        )


AUTHOR = GatysConfig(scales=1, iterations=500, content_weight=1.0, range_weight=0.0, history_size=100)

JOHNSON = GatysConfig(
    scales=1,
    iterations=1000,
    content_weight=5.0,
    style_weight=1e2,
    style_layer_weighting="each",
    gram_scaling="elements",
    tv_weight=1e-3,
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

PRESETS = {"default": GatysConfig(), "author": AUTHOR, "johnson": JOHNSON, "paper": PAPER}
