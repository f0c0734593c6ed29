"""How much of the input an output keeps, and how near it is to style images."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from imgxlate.evaluate.comparison import Measure
from imgxlate.evaluate.views import SIZES, Image, on, size_of, view
from imgxlate.losses.style import gram_sum, mix
from imgxlate.nn.vgg import Vgg
from imgxlate.vision import torchvision

CONTENT_LAYER = "relu4_2"
"""What Gatys et al. (arXiv 1508.06576) take for content."""

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""What they take for style."""

_LUMA = (0.299, 0.587, 0.114)  # Rec. 601: what SSIM was published with

SSIM = Measure(
    name="ssim",
    title="SSIM of luminance",
    how="Structural similarity (Wang et al. 2004) of input and output: Rec. 601 luma of the sRGB values, data range 1, "
    f"Gaussian window of 11 pixels with sigma 1.5, k 0.01 and 0.03, by torchmetrics. {SIZES} 1 for identical pictures.",
    better="higher",
)

CONTENT = Measure(
    name="content-distance",
    title="Content distance",
    how=f"Squared difference of input's and output's features over the squared length of the input's, {CONTENT_LAYER} "
    f"of the bundled VGG-19 (8 bits a weight). {SIZES} 0 for identical pictures.",
    better="lower",
)

STYLE = Measure(
    name="style-distance",
    title="Style distance",
    how="Squared difference of the Gram matrices of the output and of the style images (their mean), over the squared "
    f"length of the latter, averaged over {', '.join(STYLE_LAYERS)} of the bundled VGG-19 (8 bits a weight); Gram "
    f"matrices are averages over positions. {SIZES} 0 for the style image itself, about 1 for a blank picture.",
    better="lower",
)


def ssim(source: Image, output: Image) -> float:
    """The structural similarity of the luminance of an input and an output, resized to the input's size."""
    torchvision()  # It must be imported through its door before torchmetrics imports it.
    from torchmetrics.functional.image import structural_similarity_index_measure

    pictures = luma(view(output, size_of(source))), luma(view(source))
    similarity = structural_similarity_index_measure(*pictures, data_range=1.0)
    return float(cast(Tensor, similarity))  # It returns more only where that is asked for.


def luma(pictures: Tensor) -> Tensor:
    """The luma (B, 1, H, W) in [0, 1] of `pictures` (B, 3, H, W) in [-1, 1], in float64."""
    weights = torch.tensor(_LUMA, dtype=torch.float64).view(1, 3, 1, 1)
    return ((pictures.double() + 1) / 2 * weights).sum(dim=1, keepdim=True)


class ContentDistance:
    """How far the content of outputs is from that of one input."""

    def __init__(self, network: Vgg, source: Image) -> None:
        self._network = network
        self._size = size_of(source)
        self._wanted = self._features(source)

    def __call__(self, output: Image) -> float:
        """The distance of `output`, resized to the input's size."""
        return _relative_error(self._features(output), self._wanted)

    @torch.inference_mode()
    def _features(self, image: Image) -> Tensor:
        picture = on(self._network.mean.device, image, self._size)
        features: Tensor = self._network(picture, (CONTENT_LAYER,))[CONTENT_LAYER]
        return features


class StyleDistance:
    """How far the style of outputs is from that of style images, of which there is at least one."""

    def __init__(self, network: Vgg, styles: Sequence[Image]) -> None:
        self._network = network
        grams = [self._grams(style) for style in styles]
        shares = [1 / len(styles)] * len(styles)
        self._wanted = {layer: mix([gram[layer] for gram in grams], shares) for layer in STYLE_LAYERS}

    def __call__(self, output: Image) -> float:
        """The distance of `output`."""
        grams = self._grams(output)
        return sum(_relative_error(grams[layer], self._wanted[layer]) for layer in STYLE_LAYERS) / len(STYLE_LAYERS)

    @torch.inference_mode()
    def _grams(self, image: Image) -> dict[str, Tensor]:
        features = self._network(on(self._network.mean.device, image), STYLE_LAYERS)
        return {layer: gram_sum(maps) / maps[0, 0].numel() for layer, maps in features.items()}


def _relative_error(found: Tensor, wanted: Tensor) -> float:
    """|found - wanted|^2 / |wanted|^2; 0.0 if they are equal, whatever their length."""
    tiny = torch.finfo(wanted.dtype).tiny
    return float((found - wanted).square().sum() / wanted.square().sum().clamp_min(tiny))
