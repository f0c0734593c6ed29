"""Paints a content image in the style of others (Gatys et al., arXiv 1508.06576), from coarse to fine."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from imgxlate.checkpoint import Checkpoint
from imgxlate.config import style_shares
from imgxlate.errors import UsageError, is_out_of_memory
from imgxlate.images import color
from imgxlate.images.sizes import Box
from imgxlate.images.tensors import crop, pad_to
from imgxlate.methods.gatys.config import GatysConfig
from imgxlate.methods.gatys.descent import Descent
from imgxlate.methods.gatys.gradient import evaluate
from imgxlate.methods.gatys.guidance import resize_mask
from imgxlate.methods.gatys.memory_plan import MemoryPlan, plan_memory
from imgxlate.methods.gatys.objective import Losses, Objective
from imgxlate.methods.gatys.temporal import TemporalLoss
from imgxlate.methods.protocol import Iterate, MovedOutput, StyledRegion
from imgxlate.methods.spec import MethodConfig
from imgxlate.nn import vgg_files
from imgxlate.nn.vgg import Vgg

_MINIMUM_SIDE = 32  # Shorter sides are padded to this: five poolings need 32 pixels.
_FIRST_BAND = 1 << 30  # bytes; a quarter of it is for the first bands after memory ran out
_MEAN_GRAY = (123.68, 116.779, 103.939)  # mean color of the images that VGG was trained on: R, G, B

_T = TypeVar("_T")


class Gatys:
    """Neural style. The image is optimized in gray levels from 0 to 255, the scale of published options."""

    def __init__(self, config: GatysConfig, network: Vgg) -> None:
        self.config = config
        self.network = network
        self._device = torch.device("cpu")

    @classmethod
    def from_features(cls, config: MethodConfig, features: Checkpoint) -> Self:
        """Build it over the VGG network in `features`.

        Raises:
            CheckpointError: the file holds no VGG network, or its convention is unknown.
            UsageError: a layer in `config` is not one of the network's.
        """
        if not isinstance(config, GatysConfig):
            raise UsageError(f"neural style takes a GatysConfig, not a {type(config).__name__}")
        convention = None if config.convention == "auto" else config.convention
        network = vgg_files.load(features, pooling=config.pooling, convention=convention)
        network.require((*config.content_layers, *config.style_layers))
        return cls(config, network)

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the network to `device`, to convolve in `dtype`. Losses and the image stay in float32."""
        self._device = device
        self.network.place(device, dtype)

    def stylize(
        self,
        content: Tensor,
        styles: Sequence[Tensor],
        init: Tensor | None,
        seed: int,
        memory: int | None = None,
        regions: Sequence[StyledRegion] = (),
        last: MovedOutput | None = None,
    ) -> Iterator[Iterate]:
        """Optimize, yielding after each iteration; the last one's image is the result, (1, 3, H, W) in [-1, 1].

        Its longer side is `config.size`. `init` is the image to start from; None: start as `config.init` says. Sizes
        that take more than `memory` bytes are computed in bands of rows; None: no size is. With `regions`, each of them
        has its own style; the rest has that of `styles`, or keeps its content alone if there are none. A frame that
        follows `last` is optimized at the full size alone, from that image and with the temporal loss.

        Raises:
            UsageError: the number of style weights is not that of the style images, or a style image is missing.
            DivergedError: the loss is not finite or explodes, even with the shortest steps.
        """
        self._require_styles([*styles, *regions])
        content, styles = content.to(self._device), [style.to(self._device) for style in styles]
        weights = style_shares(self.config.style_weights, len(styles))
        last = last and self._placed(last)
        start = last.image if last else init
        canvas = None if start is None else _to_gray_levels(start.to(self._device))
        sizes = scale_sizes(self.config)[-1 if last else 0 :]
        regions = [self._with_small_masks(region, _fit(content, sizes[-1])) for region in regions]
        for scale, longer in enumerate(sizes):
            size = _fit(content, longer)
            iterations = self.config.frame_iterations if last else scale_iterations(self.config, len(sizes) - 1 - scale)
            (small, box), guides = _padded(_resize(content, size).clamp(-1, 1)), self._guides(styles, longer)
            guided = [self._resize_region(region, size, longer) for region in regions]
            if canvas is not None:
                canvas, _ = _padded(_resize(canvas, size))
            sides = [_size(guide) for guide in (*guides, *(region.style for region in guided))]
            plan = plan_memory(self.config, self.network, _size(small), sides, iterations, memory, len(guided))
            descent, evaluation = self._start(small, guides, weights, guided, canvas, seed, plan)
            evaluation.temporal = self._temporal_loss(last, size) if last else None
            del guides, guided  # They take much memory, and only their sums are needed from now on.
            for done, losses in enumerate(descent.run(iterations), start=1):
                image = partial(self._finish, descent, small, box)
                note = plan.note if plan.band_memory or not evaluation.band_memory else "in bands of rows"
                too_small = _too_small(evaluation.objective)
                yield Iterate(scale, len(sizes), size, done, iterations, losses, image, note, note=too_small)
            canvas = crop(descent.canvas, box)

    def _require_styles(self, styles: Sequence[Tensor | StyledRegion]) -> None:
        if not styles and (self.config.style_weight or self.config.init == "style"):
            raise UsageError("there is no style image", hint="Give one, or set style_weight=0 and another init.")

    def _guides(self, styles: Sequence[Tensor], longer: int) -> list[Tensor]:
        """The style images at their size for an image whose longer side is `longer`."""
        return [_padded(_resize(style, self._style_size(style, longer)).clamp(-1, 1))[0] for style in styles]

    def _with_small_masks(self, region: StyledRegion, size: tuple[int, int]) -> StyledRegion:
        """A region with masks of at most the `size` of the output, so that those of a large photo are freed."""
        mask, style_mask = _at_most(region.mask, size), region.style_mask
        if style_mask is not None:
            style_mask = _at_most(style_mask, self._style_size(region.style, max(size)))
        return replace(region, mask=mask, style_mask=style_mask)

    def _style_size(self, style: Tensor, longer: int) -> tuple[int, int]:
        """The size of a style image for an image whose longer side is `longer`."""
        return _fit(style, round(longer * self.config.style_scale))

    def _resize_region(self, region: StyledRegion, size: tuple[int, int], longer: int) -> StyledRegion:
        """A region of an image of `size`, with its style image at its size for that."""
        [style] = self._guides([region.style.to(self._device)], longer)
        mask, style_mask = self._resize_mask(region.mask, size), region.style_mask
        if style_mask is not None:
            style_mask = self._resize_mask(style_mask, self._style_size(region.style, longer))
        return StyledRegion(mask, style, style_mask)

    def _resize_mask(self, mask: Tensor, size: tuple[int, int]) -> Tensor:
        """A mask for an image of `size`, padded like it."""
        padded, _ = _padded(resize_mask(mask, size))
        return padded.to(self._device)

    def _start(
        self,
        content: Tensor,
        guides: Sequence[Tensor],
        weights: Sequence[float],
        regions: Sequence[StyledRegion],
        canvas: Tensor | None,
        seed: int,
        plan: MemoryPlan,
    ) -> "tuple[Descent, _Evaluation]":
        """The descent at the size of `content`, from `canvas` of that size; None: from the first one."""
        styles = [*guides, *(region.style for region in regions)]
        target, styles = color.prepare(self.config.preserve_color, content, styles)
        guides, of_regions = styles[: len(guides)], styles[len(guides) :]
        regions = [replace(region, style=style) for region, style in zip(regions, of_regions, strict=True)]
        build = partial(Objective, self.config, self.network, target, guides, weights, regions=regions)
        objective, _ = _fitting(build, plan.target_band_memory)
        start = self._begin(target, styles, seed) if canvas is None else canvas
        evaluation = _Evaluation(objective, plan.band_memory)
        return Descent(plan.config, evaluation, _resize(start, _size(content))), evaluation

    def _placed(self, last: MovedOutput) -> MovedOutput:
        """The last output on the device, with the colors that are optimized."""
        image, weights = last.image.to(self._device), last.weights.to(self._device)
        return MovedOutput(color.luminance(image) if self.config.preserve_color == "luminance" else image, weights)

    def _temporal_loss(self, last: MovedOutput, size: tuple[int, int]) -> TemporalLoss:
        moved, weights = (_padded(_resize(each, size))[0] for each in (last.image, last.weights))
        return TemporalLoss(self.config.temporal_weight, moved, weights.clamp(0, 1))

    def _begin(self, content: Tensor, styles: Sequence[Tensor], seed: int) -> Tensor:
        """The first canvas (1, 3, H, W), in gray levels."""
        if self.config.init == "content":
            return _to_gray_levels(content)
        if self.config.init == "style":
            return _to_gray_levels(styles[0])
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(content.shape, generator=generator).to(content.device)
        return noise * self.config.noise + content.new_tensor(_MEAN_GRAY).view(1, 3, 1, 1)

    def _finish(self, descent: Descent, content: Tensor, box: Box) -> Tensor:
        image = _from_gray_levels(descent.canvas)
        if self.config.preserve_color == "luminance":
            image = color.restore_chroma(image, content)
        return crop(image.clamp(-1, 1), box)


def scale_sizes(config: GatysConfig) -> list[int]:
    """The longer sides at which an image is optimized, up to `config.size`; the smaller ones are at least 32."""
    most = config.scales or math.inf
    least = max(_MINIMUM_SIDE, 0 if config.scales else config.coarsest_size)
    sizes = [config.size]
    while len(sizes) < most and round(sizes[-1] / config.scale_factor) >= least:
        sizes.append(round(sizes[-1] / config.scale_factor))
    return sizes[::-1]


def scale_iterations(config: GatysConfig, coarser: int) -> int:
    """The iterations at the full size (`coarser` is 0), at the next smaller one (1), and so on."""
    if coarser == 0:
        return config.iterations
    if config.iteration_growth is None:
        return config.coarse_iterations
    return min(round(config.iterations * config.iteration_growth**coarser), config.coarse_iterations)


def _fit(image: Tensor, longer: int) -> tuple[int, int]:
    """The height and width of `image` when its longer side is `longer`."""
    height, width = image.shape[2:]
    factor = longer / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def _too_small(objective: Objective) -> str:
    """What regions are too small for, for the user; empty: nothing."""
    return "; ".join(
        f"{name} is too small for {', '.join(layers)}: it has no style there"
        for name, layers in objective.too_small.items()
    )


def _padded(image: Tensor) -> tuple[Tensor, Box]:
    """The image with sides that the network can pool, and the box of the image in it."""
    return pad_to(image, 1, _MINIMUM_SIDE)


def _size(image: Tensor) -> tuple[int, int]:
    """Height and width."""
    return image.shape[2], image.shape[3]


def _at_most(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """The mask, scaled down if it is larger than `size`."""
    return resize_mask(mask, size) if mask.shape[2:] > size else mask


def _resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    if image.shape[2:] == size:
        return image
    return interpolate(image, size, mode="bicubic", antialias=True)


@dataclass(slots=True)
class _Evaluation:
    """Computes loss and gradient of images in gray levels. If memory runs out, it goes on in smaller bands."""

    objective: Objective
    band_memory: int | None  # bytes for a band; None: images are computed at once
    temporal: TemporalLoss | None = None

    def __call__(self, gray_levels: Tensor) -> tuple[Losses, Tensor]:
        image = _from_gray_levels(gray_levels.detach())
        (losses, gradient), self.band_memory = _fitting(partial(evaluate, self.objective, image), self.band_memory)
        if self.temporal:
            loss, by_image = self.temporal(image)
            losses, gradient = replace(losses, temporal=loss), gradient.add_(by_image)
        return losses, gradient.div_(127.5)


def _fitting(compute: Callable[[int | None], _T], band_memory: int | None) -> tuple[_T, int | None]:
    """The result of `compute` with the bytes for a band, and these; they get fewer for as long as memory runs out."""
    while True:
        try:
            return compute(band_memory), band_memory
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or band_memory == 1:  # a row each
                raise
        band_memory = max((band_memory or _FIRST_BAND) // 4, 1)


def _to_gray_levels(image: Tensor) -> Tensor:
    return (image + 1) * 127.5


def _from_gray_levels(gray_levels: Tensor) -> Tensor:
    return gray_levels / 127.5 - 1
