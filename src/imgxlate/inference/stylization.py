"""Style transfer by optimization: content and style images -> tensors -> iterations -> image of the content's shape."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from imgxlate import checkpoint
from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.errors import UsageError
from imgxlate.images.image_array import Depth, ImageArray
from imgxlate.images.limits import DEFAULT, MAX_PIXELS, Limits
from imgxlate.images.masks import blend, weights_of
from imgxlate.images.pil import ImageLike, to_image_array, to_pil
from imgxlate.images.sizes import Size
from imgxlate.images.tensors import from_tensor, resize, to_tensor
from imgxlate.inference.device import Arithmetic, Precision, find_arithmetic, find_device, require_exact
from imgxlate.inference.regions import Region, styled_regions
from imgxlate.memory import budget
from imgxlate.memory import parse as parse_memory
from imgxlate.methods import registry
from imgxlate.methods.protocol import Iterate, MovedOutput, StyledRegion, Stylizer
from imgxlate.methods.spec import MethodConfig, MethodSpec
from imgxlate.nn.precision import each_fast
from imgxlate.weights.store import Store, find_features

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Iteration:
    """The state of a style transfer after an iteration."""

    iteration: int  # from 1, at this scale
    iterations: int  # at this scale
    scale: int  # from 1, coarse to fine
    scales: int
    size: tuple[int, int]  # height and width at this scale, in pixels
    losses: Mapping[str, float]  # "total", and each weighted part by its name
    array: Callable[[], ImageArray]  # the image so far
    memory_plan: str = ""  # how memory is saved at this scale, such as "in bands of rows"; empty: it is not
    note: str = ""  # what else the user should know about this scale, such as regions that are too small

    def image(self) -> "Image":
        """The image so far."""
        return to_pil(self.array())


@dataclass(frozen=True, slots=True)
class StyleTransfer:
    """A style transfer, loaded and on its device. Several threads may use it at once.

    `imgxlate.load_style_transfer` returns it:

        >>> import imgxlate
        >>> transfer = imgxlate.load_style_transfer(size=64, settings={"iterations": 5})
        >>> image = transfer.stylize("photo.jpg", "painting.jpg")
        >>> max(image.size)
        64
    """

    spec: MethodSpec
    config: MethodConfig
    features: Path  # the file of the feature network
    stylizer: Stylizer
    device: torch.device
    arithmetic: Arithmetic
    limits: Limits = DEFAULT  # of the files that it reads
    memory: int | None = None  # the most bytes for the process, on the device; None: half of what is free

    def stylize(
        self,
        content: ImageLike,
        styles: ImageLike | Sequence[ImageLike] = (),
        *,
        regions: Sequence[Region] = (),  # each has its own style; `styles` are those of the rest
        init: ImageLike | None = None,  # the image to start from; None: as the configuration says
        seed: int = 0,
        mask: ImageLike | None = None,  # its white part is painted, its black part stays; None: all is painted
        on_iteration: Callable[[Iteration], None] = ignore,
    ) -> "Image":
        """Paint the content image in the style of one or more images, with the content's transparency.

        Sizes that take more memory than allowed are computed in bands of rows: the objective is the same, but L-BFGS
        may remember fewer steps. What is in none of the `regions` has the style of `styles`; without any, only its
        content counts.

        Raises:
            ImageError: an image cannot be read, or a mask is black or has other proportions than its image.
            UsageError: there is no style image and no region, or the number of style weights is not that of the style
                images.
            DivergedError: the loss is not finite.
        """
        return to_pil(
            self.stylize_array(
                content, styles, regions=regions, init=init, seed=seed, mask=mask, on_iteration=on_iteration
            )
        )

    def stylize_array(
        self,
        content: ImageLike,
        styles: ImageLike | Sequence[ImageLike] = (),
        *,
        regions: Sequence[Region] = (),
        init: ImageLike | None = None,
        seed: int = 0,
        mask: ImageLike | None = None,
        on_iteration: Callable[[Iteration], None] = ignore,
        depth: Depth = 8,
    ) -> ImageArray:
        """`stylize`, but into an array of 8 or 16 bits per channel.

        With a `depth` of 16, files of 16 bits are read with all their bits.
        """
        source, *guides = (to_image_array(image, self.limits, depth) for image in (content, *listed(styles)))
        outside = None if mask is None else to_image_array(mask, self.limits)
        if outside:
            weights_of(outside, source.size)  # Its proportions are checked before minutes of painting.
        start = None if init is None else to_image_array(init, self.limits, depth)
        iterates = stylize(
            self.stylizer,
            self.device,
            source,
            guides,
            start,
            seed,
            limit=self.memory,
            fast=self.arithmetic.fast,
            regions=styled_regions(regions, source.size, self.limits, depth),
        )
        for iterate in iterates:
            on_iteration(iteration_of(source, iterate, depth))
        result = painted(source, iterate, depth)
        if outside is None:
            return result
        return blend(at_size(source, result.size), result, weights_of(outside, result.size))


def load(
    spec: MethodSpec,
    config: MethodConfig,
    *,
    features: str = "vgg19",  # a name of `imgxlate weights list`, or a file
    device: str = "auto",
    precision: Precision = "auto",
    memory: int | str | None = None,  # the most for the process, such as "4GB"; None: half of what is free
    offline: bool = False,
    max_pixels: int = MAX_PIXELS,  # of an image that is read, width x height
    white: int | None = None,  # in images of 16 bits; None: 4095 in images without larger values, else 65535
    progress: Progress = ignore,  # of a download
    notify: Notify = ignore,
) -> StyleTransfer:
    """Load a style transfer with its feature network.

    Raises:
        WeightsError: there is no such feature network, or it cannot be downloaded.
        CheckpointError: the file holds no feature network.
        UsageError: the feature network lacks a layer of `config`, `memory` is not an amount, or `max_pixels` is less
            than 1.
        DeviceError: this machine has no such device.
    """
    limits, most = Limits.of(max_pixels, white), parse_memory(memory)
    where = find_device(device)
    arithmetic = find_arithmetic(precision, where)
    file = find_features(features, partial(Store().path, offline=offline, progress=progress, notify=notify))
    stylizer = load_stylizer(spec, config, file, where, arithmetic)
    return StyleTransfer(spec, config, file, stylizer, where, arithmetic, limits, most)


def load_stylizer(
    spec: MethodSpec, config: MethodConfig, features: Path, device: torch.device, arithmetic: Arithmetic
) -> Stylizer:
    """Build the method's stylizer over the feature network in the file `features`, and move it to the device.

    Raises:
        CheckpointError: the file is damaged, or holds no feature network.
        UsageError: the network lacks a layer of `config`.
    """
    stylizer = registry.implementation(spec).from_features(config, checkpoint.read(features))
    if not isinstance(stylizer, Stylizer):
        raise UsageError(f"{spec.implementation} is not a stylizer", hint=f"The plug-in {spec.name} has a bug.")
    require_exact(device, arithmetic.dtype)
    stylizer.place(device, arithmetic.dtype)
    return stylizer


def stylize(
    stylizer: Stylizer,
    device: torch.device,
    content: ImageArray,
    styles: Sequence[ImageArray],
    init: ImageArray | None,
    seed: int,
    *,
    limit: int | None = None,  # bytes of memory for the process in all; None: half of what is free
    fast: bool = False,  # let convolutions take fewer products
    regions: Sequence[StyledRegion] = (),  # each has its own style; `styles` are those of the rest
    last: MovedOutput | None = None,  # of a film's last frame; it takes the place of `init`
) -> Iterator[Iterate]:
    """Optimize, yielding after each iteration; `painted` turns an iterate into an image. Images are laid on white."""
    source, *guides = (to_tensor(image.on_white().rgb) for image in (content, *styles))
    start = to_tensor(init.on_white().rgb) if init else None
    # Stylizers of plug-ins may know neither regions nor films.
    optional: Any = {name: given for name, given in (("regions", regions), ("last", last)) if given}
    iterates = stylizer.stylize(source, guides, start, seed, budget(device, limit), **optional)
    return each_fast(iterates, fast)


def painted(content: ImageArray, iterate: Iterate, depth: Depth = 8) -> ImageArray:
    """The image of an iterate, with the content's transparency at its size."""
    return content.with_rgb(from_tensor(iterate.image().float().cpu(), depth))


def at_size(image: ImageArray, size: Size) -> ImageArray:
    """The image at `size`. The colors of transparent pixels are kept."""
    return image if image.size == size else image.with_rgb(from_tensor(resize(to_tensor(image.rgb), size), image.depth))


def listed(styles: ImageLike | Sequence[ImageLike]) -> Sequence[ImageLike]:
    """The style images, which may be a single one."""
    return styles if isinstance(styles, list | tuple) else [styles]  # type: ignore[list-item]


def iteration_of(content: ImageArray, iterate: Iterate, depth: Depth = 8) -> Iteration:
    """An iterate as callers see it."""
    return Iteration(
        iteration=iterate.iteration,
        iterations=iterate.iterations,
        scale=iterate.scale + 1,
        scales=iterate.scales,
        size=iterate.size,
        losses=iterate.losses,
        array=lambda: painted(content, iterate, depth),
        memory_plan=iterate.memory_plan,
        note=iterate.note,
    )
