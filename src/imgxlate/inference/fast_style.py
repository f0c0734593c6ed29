"""Style transfer in one pass, by a translation model whose styles come from any image and can be mixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from imgxlate.errors import UsageError
from imgxlate.images import color
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.limits import Limits
from imgxlate.images.masks import blend, divide, weights_of
from imgxlate.images.pil import ImageLike, to_image_array, to_pil
from imgxlate.images.sizes import Size, longer_side
from imgxlate.images.tensors import from_tensor, resize, to_tensor
from imgxlate.inference.fast_config import FastStyleConfig
from imgxlate.inference.model import Model
from imgxlate.inference.regions import Region, styled_regions
from imgxlate.inference.style_arguments import mixture
from imgxlate.inference.stylization import at_size, listed
from imgxlate.methods.protocol import StyledRegion

if TYPE_CHECKING:
    from PIL.Image import Image

_LEAST_SHARE = 1e-6  # the least divisor: some pixels may be in no region


@dataclass(frozen=True, slots=True)
class FastStyleTransfer:
    """A style transfer in one pass, loaded and on its device. Several threads may use it at once.

    `imgxlate.load_fast_style_transfer` returns it.
    """

    model: Model
    config: FastStyleConfig

    def stylize(
        self,
        content: ImageLike,
        styles: ImageLike | Sequence[ImageLike] = (),
        *,
        regions: Sequence[Region] = (),  # each has its own style; `styles` are those of the rest
        mask: ImageLike | None = None,  # its white part is painted, its black part stays; None: all is painted
    ) -> "Image":
        """Paint the content image in the style of one or more images, with the content's transparency.

        With regions, the image is painted once in each style, and the paintings are blended by the masks. What is in no
        region stays as it is if there are no `styles`.

        Raises:
            ImageError: an image cannot be read, or a mask has other proportions than its image.
            UsageError: there is no style image, a region has a style mask, or the number of style weights is not that
                of the style images.
        """
        return to_pil(self.stylize_array(content, styles, regions=regions, mask=mask))

    @property
    def limits(self) -> Limits:
        """What images may be read."""
        return self.model.limits

    def stylize_array(
        self,
        content: ImageLike,
        styles: ImageLike | Sequence[ImageLike] = (),
        *,
        regions: Sequence[Region] = (),
        mask: ImageLike | None = None,
        depth: Depth = 8,
    ) -> ImageArray:
        """`stylize`, but into an array of 8 or 16 bits per channel.

        With a `depth` of 16, files of 16 bits are read with all their bits.
        """
        if any(region.style_mask is not None for region in regions):
            raise UsageError(
                "a region that is painted in one pass takes the style of a whole image",
                hint="Leave out the mask of the style image, or cut the part out of it.",
            )
        limits = self.limits
        source, *guides = (to_image_array(image, limits, depth) for image in (content, *listed(styles)))
        original = tensor_on_white(source, self.config.size)
        height, width = original.shape[2:]
        weights = [] if mask is None else [weights_of(to_image_array(mask, limits), (height, width))]
        parts = styled_regions(regions, (height, width), limits, depth)
        if parts and not guides:
            weights.append(_covered(parts))
        result = source.with_rgb(from_tensor(self._paint_parts(original, guides, parts), depth))
        return blend(at_size(source, result.size), result, np.prod(weights, axis=0)) if weights else result

    def encode(self, styles: Sequence[ImageArray], size: Size) -> Tensor:
        """The style code (1, style_dim) of style images for images of `size`; their colors count, too.

        Raises:
            UsageError: there is no style image, or the number of style weights is not that of the style images.
        """
        return encode_styles(self.model, self._guides(styles, size), self.config.style_weights)

    def _guides(self, styles: Sequence[ImageArray], size: Size) -> list[Tensor]:
        """The style images at their size for an image of `size`."""
        return [tensor_on_white(style, round(max(size) * self.config.style_scale)) for style in styles]

    def _paint_parts(self, original: Tensor, styles: Sequence[ImageArray], regions: Sequence[StyledRegion]) -> Tensor:
        """The painting (1, 3, H, W) of an image of that size, each region in its own style.

        Without `styles`, what is in no region is gray.
        """
        if not regions:
            return self._paint(original, styles, self.config.style_weights)
        shares, rest = divide([region.mask for region in regions])
        painting = torch.zeros_like(original)
        for share, region in zip(shares, regions, strict=True):
            painting += share * self._paint(original, [_array(region.style)])
        if styles and rest is not None:
            return painting + rest * self._paint(original, styles, self.config.style_weights)
        return painting / torch.stack(shares).sum(dim=0).clamp(min=_LEAST_SHARE)

    def _paint(self, original: Tensor, styles: Sequence[ImageArray], weights: Sequence[float] = ()) -> Tensor:
        """The painting (1, 3, H, W) of an image of that size in a mixture of styles."""
        height, width = original.shape[2:]
        guides = self._guides(styles, (height, width))
        content, guides = color.prepare(self.config.preserve_color, original, guides)
        code = encode_styles(self.model, guides, weights)
        to = self.model.target(None)
        [painting] = self.model.translate_array(_array(content), to, code, strength=self.config.strength, depth=16)
        painted = to_tensor(painting.rgb)
        if self.config.preserve_color == "luminance":
            return color.restore_chroma(painted, original)
        return painted


def encode_styles(model: Model, styles: Sequence[Tensor], weights: Sequence[float] = ()) -> Tensor:
    """The style code (1, style_dim) of a mixture of style images (1, 3, H, W); no weights: in equal shares.

    Raises:
        UsageError: there is no style image, or the weights do not fit them.
    """
    if not styles:
        raise UsageError("there is no style image", hint="Give one.")
    to = model.target(None)
    return mixture(torch.cat([model.encode_array(_array(style), to) for style in styles]), weights)


def tensor_on_white(image: ImageArray, longer: int) -> Tensor:
    """The image on white (1, 3, H, W), whose longer side has `longer` pixels."""
    return resize(to_tensor(image.on_white().rgb), longer_side(image.size, longer), "bicubic")


def _covered(regions: Sequence[StyledRegion]) -> np.ndarray:
    """How much of each pixel is in a region: (H, W) from 0 to 1."""
    covered: np.ndarray = torch.stack([region.mask for region in regions]).sum(dim=0).clamp(max=1)[0, 0].numpy()
    return covered


def _array(image: Tensor) -> ImageArray:
    return ImageArray(from_tensor(image, 16))
