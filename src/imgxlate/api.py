"""The library: load a model, stylize an image, train a model, compare methods.

The names are public as `imgxlate.load`, `imgxlate.stylize` and so on. Progress goes to callbacks; nothing is printed to
standard output. Errors are `imgxlate.ImgxlateError`s with a `hint` that says what to do next.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.config import from_mapping
from imgxlate.errors import UsageError
from imgxlate.evaluate.compare import compare
from imgxlate.images.limits import MAX_PIXELS
from imgxlate.images.pil import ImageLike
from imgxlate.inference import stylization
from imgxlate.inference.device import Precision
from imgxlate.inference.fast_config import FastStyleConfig
from imgxlate.inference.fast_style import FastStyleTransfer
from imgxlate.inference.loading import load
from imgxlate.inference.regions import Region
from imgxlate.inference.stylization import Iteration, StyleTransfer
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.training.run import train

if TYPE_CHECKING:
    from PIL.Image import Image


__all__ = [
    "compare",
    "load",
    "load_fast_style_transfer",
    "load_style_transfer",
    "stylize",
    "train",
]


def stylize(
    content: ImageLike,
    styles: ImageLike | Sequence[ImageLike] = (),
    *,
    regions: Sequence[Region] = (),
    preset: str | None = None,
    size: int | None = None,
    settings: Mapping[str, Any] | None = None,
    init: ImageLike | None = None,
    seed: int = 0,
    mask: ImageLike | None = None,
    fast: bool = False,
    model: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    features: str = "vgg19",
    device: str = "auto",
    precision: Precision = "auto",
    memory: int | str | None = None,
    offline: bool = False,
    max_pixels: int = MAX_PIXELS,
    white: int | None = None,
    on_iteration: Callable[[Iteration], None] | None = None,
) -> "Image":
    """Paint a content image in the style of one or more images, by neural style (Gatys et al.).

        >>> image = imgxlate.stylize("photo.jpg", "painting.jpg", size=64, settings={"iterations": 5})
        >>> max(image.size)
        64

    The arguments are those of `load_style_transfer` and of `StyleTransfer.stylize`. To paint several images, load once:
    `load_style_transfer().stylize(...)`.

    With `fast`, one pass takes the place of the optimization: `load_fast_style_transfer` has its arguments, and `seed`
    has no effect.

    Raises:
        UsageError: an argument has no effect with `fast`, or needs it; or as `load_style_transfer`.
    """
    if fast:
        others = {"preset": preset, "init": init, "on_iteration": on_iteration}
        others["features"] = None if features == "vgg19" else features
        _require_none(others, "has no effect with fast=True, which does not optimize the image")
        painter = load_fast_style_transfer(
            size=size,
            settings=settings,
            model=model,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            memory=memory,
            offline=offline,
            max_pixels=max_pixels,
            white=white,
        )
        return painter.stylize(content, styles, regions=regions, mask=mask)
    _require_none({"model": model, "checkpoint": checkpoint}, "needs fast=True")
    transfer = load_style_transfer(
        preset=preset,
        size=size,
        settings=settings,
        features=features,
        device=device,
        precision=precision,
        memory=memory,
        offline=offline,
        max_pixels=max_pixels,
        white=white,
    )
    return transfer.stylize(
        content, styles, regions=regions, init=init, seed=seed, mask=mask, on_iteration=on_iteration or ignore
    )


def load_style_transfer(
    *,
    preset: str | None = None,
    size: int | None = None,
    settings: Mapping[str, Any] | None = None,
    features: str = "vgg19",
    device: str = "auto",
    precision: Precision = "auto",
    memory: int | str | None = None,
    offline: bool = False,
    max_pixels: int = MAX_PIXELS,
    white: int | None = None,
    progress: Progress = ignore,
    notify: Notify = ignore,
) -> StyleTransfer:
    """Load neural style with its feature network, to paint any number of images.

        >>> transfer = imgxlate.load_style_transfer(preset="johnson", size=64, settings={"iterations": 5})
        >>> images = [transfer.stylize(photo, "painting.jpg") for photo in ("photo.jpg", "snow.jpg")]

    Args:
        preset: "default", "author" (the first author's code), "johnson" (neural-style-pt), "paper", or "print" (large).
        size: Longer side of the result, in pixels. None: the preset's, 512 or, for "print", 4096.
        settings: Other values by key, such as {"style_weight": 2000, "optimizer": "adam"}.
        features: The feature network: a name of `imgxlate weights list`, or a file.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, fp32-fast or bf16.
        memory: The most memory for the process, such as "4GB". None: half of what is free. A size that takes more is
            computed in bands of rows.
        offline: Do not use the network.
        max_pixels: The most pixels of an image that is read, width x height.
        white: The value of white in images of 16 bits; None: 4095 in images without larger values, else 65535.
        progress: Called while weights are downloaded.
        notify: Called with messages for the user.

    Raises:
        UsageError: there is no such preset, key or layer, or a value is invalid.
        WeightsError: there is no such feature network, or it cannot be downloaded.
        CheckpointError: the file holds no feature network.
        DeviceError: this machine has no such device.
    """
    spec = registry.built_in(Capability.STYLIZE)
    changes = dict(settings or {}) | ({} if size is None else {"size": size})
    return stylization.load(
        spec,
        registry.configure(spec, preset or next(iter(spec.presets)), changes),
        features=features,
        device=device,
        precision=precision,
        memory=memory,
        offline=offline,
        max_pixels=max_pixels,
        white=white,
        progress=progress,
        notify=notify,
    )


def load_fast_style_transfer(
    *,
    size: int | None = None,
    settings: Mapping[str, Any] | None = None,
    model: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    memory: int | str | None = None,
    offline: bool = False,
    max_pixels: int = MAX_PIXELS,
    white: int | None = None,
    progress: Progress = ignore,
    notify: Notify = ignore,
) -> FastStyleTransfer:
    """Load style transfer in one pass, to paint any number of images in seconds each.

        >>> transfer = imgxlate.load_fast_style_transfer(checkpoint="decoder.safetensors", size=64)
        >>> image = transfer.stylize("photo.jpg", "painting.jpg")
        >>> max(image.size)
        64

    Args:
        size: Longer side of the result, in pixels. None: 512.
        settings: Other values by key: "strength" from 0 to 1, "style_weights", "style_scale", and "preserve_color",
            which is "off", "luminance" or "match".
        model: A name of `imgxlate weights list`. None: the bundled model.
        checkpoint: A file, or the folder of a run of `train`; instead of a name.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, fp32-fast or bf16.
        memory: The most memory for the process, such as "4GB". None: half of what is free.
        offline: Do not use the network.
        max_pixels: The most pixels of an image that is read, width x height.
        white: The value of white in images of 16 bits; None: 4095 in images without larger values, else 65535.
        progress: Called while weights are downloaded.
        notify: Called with messages for the user.

    Raises:
        UsageError: there is no such key, a value is invalid, or there is no bundled model and none is given.
        WeightsError: there is no such model, or it cannot be downloaded.
        CheckpointError: the file is damaged, or holds another model.
        DeviceError: this machine has no such device.
    """
    changes = dict(settings or {}) | ({} if size is None else {"size": size})
    config = from_mapping(FastStyleConfig, changes, origin="options")
    loaded = load(
        registry.built_in(Capability.MIX_STYLES).name,
        model=model,
        checkpoint=checkpoint,
        device=device,
        precision=precision,
        memory=memory,
        offline=offline,
        max_pixels=max_pixels,
        white=white,
        progress=progress,
        notify=notify,
    )
    return FastStyleTransfer(loaded, config)


def _require_none(arguments: Mapping[str, object], reason: str) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise UsageError(f"{name} {reason}", hint="Leave it out.")
