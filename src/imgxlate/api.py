"""The library: load a model, stylize an image, train a model, compare methods.

The names are public as `imgxlate.load`, `imgxlate.stylize` and so on. Progress goes to callbacks; nothing is printed to
standard output. Errors are `imgxlate.ImgxlateError`s with a `hint` that says what to do next.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.config import from_mapping
from imgxlate.errors import UsageError
from imgxlate.evaluate.compare import compare
from imgxlate.images.limits import MAX_PIXELS, Limits
from imgxlate.images.outputs import Existing
from imgxlate.images.pil import ImageLike, to_image_array
from imgxlate.inference import film, stylization
from imgxlate.inference.device import Precision
from imgxlate.inference.fast_config import FastStyleConfig
from imgxlate.inference.fast_style import FastStyleTransfer
from imgxlate.inference.film import FilmArguments
from imgxlate.inference.loading import load
from imgxlate.inference.model import Model
from imgxlate.inference.style_arguments import Styles
from imgxlate.inference.regions import Region
from imgxlate.inference.stylization import Iteration, StyleTransfer
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability
from imgxlate.training.run import train

if TYPE_CHECKING:
    from PIL.Image import Image

    from imgxlate.video.film import FilmPlan, FilmResult, OnFrame

__all__ = [
    "compare",
    "load",
    "load_fast_style_transfer",
    "load_style_transfer",
    "stylize",
    "stylize_video",
    "train",
    "translate_video",
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

    With `fast`, one pass takes the place of the optimization: `load_fast_style_transfer` has its arguments.

    Raises:
        UsageError: an argument has no effect with `fast`, or needs it; or as `load_style_transfer`.
    """
    if fast:
        others = {"preset": preset, "init": init, "on_iteration": on_iteration}
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
        return painter.stylize(content, styles, mask=mask)
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


def translate_video(
    model: Model,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    to: str | None = None,
    styles: Styles | None = None,
    size: int | None = None,
    work_size: int | None = None,
    seed: int = 0,
    frame_by_frame: bool = False,
    overwrite: bool = False,
    on_frame: "OnFrame" = ignore,
    notify: Notify = ignore,
    **arguments: Unpack[FilmArguments],
) -> "FilmResult":
    """Translate a film, all frames in one style. It needs the extra `video`.

        >>> model = imgxlate.load("munit")
        >>> film = imgxlate.translate_video(model, "clip.mp4", "winter.mp4", start=0.1, quality=90)
        >>> film.frames, film.size
        (9, (32, 48))

    If it is interrupted, the same call goes on with the frames that are missing.

    Args:
        model: A model of `imgxlate.load`.
        source: A video file, or a folder of numbered frames.
        output: A file that ends in .mp4, .mov, .webm or .gif, or a folder for frames.
        to: The target domain: its name, "A" or "B". None: the model's default.
        styles: A style image or a list with one style code. None: the first sampled style.
        size: Shorter side of the output in pixels. None: the input's size.
        work_size: Translate larger frames at this shorter side, and upsample the change.
        seed: Seed of the sampled style.
        frame_by_frame: Translate each frame independently of the others.
        overwrite: Replace an output that exists, and what another call has begun.
        on_frame: Called with the number of finished frames, and about how many there are.
        notify: Called with messages for the user.
        arguments: `start`, `end`, `every`, `frame_rate`, `codec`, `quality`, `sound` and `mask`, as the options of
            `imgxlate translate`.

    Raises:
        ImageError: the film or a mask cannot be read.
        UsageError: the output cannot hold the film, or an argument is invalid.
        OutputError: the output exists, or cannot be written.
    """
    plan = _plan(source, output, model.limits, arguments, overwrite=overwrite)
    domain = model.target(to)
    codes = model.codes(domain, None, styles, size, work_size, seed)
    if codes is not None and len(codes) > 1:
        raise UsageError(f"a film has one style, and {len(codes)} are given")
    return film.translate_film(
        model,
        plan,
        to=domain,
        code=None if codes is None else tuple(codes[0].tolist()),
        size=size,
        work_size=work_size,
        frame_by_frame=frame_by_frame,
        on_frame=on_frame,
        notify=notify,
    )


def stylize_video(
    transfer: StyleTransfer,
    source: str | os.PathLike[str],
    styles: ImageLike | Sequence[ImageLike],
    output: str | os.PathLike[str],
    *,
    seed: int = 0,
    frame_by_frame: bool = False,
    overwrite: bool = False,
    on_frame: "OnFrame" = ignore,
    on_iteration: Callable[[Iteration], None] = ignore,
    notify: Notify = ignore,
    **arguments: Unpack[FilmArguments],
) -> "FilmResult":
    """Paint a film in the style of one or more images, by neural style. It needs the extra `video`.

        >>> transfer = imgxlate.load_style_transfer(size=48, settings={"iterations": 2, "scales": 1})
        >>> film = imgxlate.stylize_video(transfer, "clip.mp4", "painting.jpg", "painted.gif", every=6)
        >>> film.frames, film.size
        (2, (32, 48))

    If it is interrupted, the same call goes on with the frames that are missing. `transfer` is one of
    `imgxlate.load_style_transfer`. The other arguments and the errors are those of `translate_video`.
    """
    plan = _plan(source, output, transfer.limits, arguments, overwrite=overwrite)
    images = [to_image_array(style, transfer.limits) for style in stylization.listed(styles)]
    return film.stylize_film(
        transfer,
        plan,
        images,
        seed=seed,
        frame_by_frame=frame_by_frame,
        on_frame=on_frame,
        on_iteration=on_iteration,
        notify=notify,
    )


def _plan(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    limits: Limits,
    arguments: FilmArguments,
    *,
    overwrite: bool,
) -> "FilmPlan":
    from imgxlate.video.film import plan_film  # Imported late: it needs an extra.

    existing = Existing.OVERWRITE if overwrite else Existing.REFUSE
    plan = plan_film(Path(source), Path(output), existing=existing, limits=limits, **arguments)
    return cast("FilmPlan", plan)  # None would stand for an output that is kept.


def _require_none(arguments: Mapping[str, object], reason: str) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise UsageError(f"{name} {reason}", hint="Leave it out.")
