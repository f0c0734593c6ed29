"""Likeness of an output to its input (structure and content) and to style images (style)."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor

from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import LUMA
from imgxlate.losses.style import gram_sum, mix
from imgxlate.metrics.measure import Measure
from imgxlate.metrics.views import SIZES, view
from imgxlate.nn.vgg import Vgg
from imgxlate.vision import torchvision

CONTENT_LAYER = "relu4_2"
"""The content layer of Gatys et al. (arXiv 1508.06576)."""

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""Their style layers."""

SSIM = Measure(
    name="ssim",
    title="SSIM of luminance",
    how="Structural similarity (Wang et al. 2004) of input and output: Rec. 601 luma of the sRGB values, data range 1, "
    f"Gaussian window of 11 pixels with sigma 1.5, k 0.01 and 0.03, by torchmetrics. {SIZES} 1 for identical images.",
    better="higher",
)

CONTENT = Measure(
    name="content-distance",
    title="Content distance",
    how=f"Squared difference of input's and output's features over the squared length of the input's, {CONTENT_LAYER} "
    f"of the bundled VGG-19 (8 bits a weight). {SIZES} 0 for identical images.",
    better="lower",
)

STYLE = Measure(
    name="style-distance",
    title="Style distance",
    how="Squared difference of the Gram matrices of the output and of the style images (their mean), over the squared "
    f"length of the latter, averaged over {', '.join(STYLE_LAYERS)} of the bundled VGG-19 (8 bits a weight); Gram "
    f"matrices are averages over positions. {SIZES} 0 for the style image itself, about 1 for a uniform image.",
    better="lower",
)


def ssim(source: ImageArray, output: ImageArray) -> float:
    """The structural similarity of the luminance of an input and an output, which is resized to the input's size."""
    torchvision()  # torchmetrics imports it too, but `imgxlate.vision` must do so first.
    from torchmetrics.functional.image import structural_similarity_index_measure

    lumas = luma(view(output, source.size)), luma(view(source))
    similarity = structural_similarity_index_measure(*lumas, data_range=1.0)
    return float(cast(Tensor, similarity))  # It returns a tuple only with further options.


def luma(images: Tensor) -> Tensor:
    """The luma (B, 1, H, W) in [0, 1], in float64, of `images` (B, 3, H, W) in [-1, 1] on the CPU."""
    weights = torch.tensor(LUMA, dtype=torch.float64).view(1, 3, 1, 1)
    return ((images.double() + 1) / 2 * weights).sum(dim=1, keepdim=True)


@torch.inference_mode()
def content_features(network: Vgg, image: ImageArray, size: Size) -> Tensor:
    """The features (1, C, H', W') of the content layer, of `image` resized to `size`."""
    features: Tensor = network(view(image, size).to(network.mean.device), (CONTENT_LAYER,))[CONTENT_LAYER]
    return features


@torch.inference_mode()
def style_grams(network: Vgg, images: Sequence[ImageArray]) -> dict[str, Tensor]:
    """The Gram matrix (C, C) of each style layer, averaged over positions and over `images`."""
    grams = []
    for image in images:
        features = network(view(image).to(network.mean.device), STYLE_LAYERS)
        grams.append({layer: gram_sum(maps) / maps[0, 0].numel() for layer, maps in features.items()})
    shares = [1 / len(images)] * len(images)
    return {layer: mix([each[layer] for each in grams], shares) for layer in STYLE_LAYERS}


def style_distance(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> float:
    """The mean over the style layers of the relative error of Gram matrices."""
    return sum(relative_error(found[layer], wanted[layer]) for layer in STYLE_LAYERS) / len(STYLE_LAYERS)


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """|found - wanted|^2 / |wanted|^2; 0.0 if they are equal, even if both are 0."""
    tiny = torch.finfo(wanted.dtype).tiny
    return float((found - wanted).square().sum() / wanted.square().sum().clamp_min(tiny))
