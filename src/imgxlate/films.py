"""Films from Python: `imgxlate.translate_video` and `imgxlate.stylize_video`."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack, cast

from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import UsageError
from imgxlate.images.inputs import Source
from imgxlate.images.limits import Limits
from imgxlate.images.outputs import Existing
from imgxlate.images.pil import ImageLike, to_image_array
from imgxlate.inference import film
from imgxlate.inference.fast_style import FastStyleTransfer
from imgxlate.inference.film import FilmArguments
from imgxlate.inference.model import Model
from imgxlate.inference.style_arguments import Styles, images_among
from imgxlate.inference.stylization import Iteration, StyleTransfer, listed
from imgxlate.methods import registry

if TYPE_CHECKING:
    from imgxlate.video.film import FilmPlan, FilmResult, OnFrame

__all__ = ["stylize_video", "translate_video"]


def translate_video(
    model: Model,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    to: str | None = None,
    styles: Styles | None = None,
    style_weights: Sequence[float] | None = None,
    strength: float = 1.0,
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
        styles: A style image, or a list with one style code. None: the first sampled style.
        style_weights: Mix several style images into one style, with a weight for each; for methods that mix styles.
        strength: How much of the style to take, for those methods: 0 keeps the style of each frame.
        size: Shorter side of the output in pixels. None: the input's size.
        work_size: Translate larger frames at this shorter side, and upsample the change.
        seed: Seed of the sampled style.
        frame_by_frame: Translate each frame independently of the others.
        overwrite: Replace an output that exists, and begin anew if another call has begun the film.
        on_frame: Called with the number of finished frames, and about how many there are.
        notify: Called with messages for the user.
        arguments: `start`, `end`, `every`, `frame_rate`, `codec`, `quality`, `sound` and `mask`, as the options of
            `imgxlate translate`.

    Raises:
        ImageError: the film or a mask cannot be read.
        UsageError: the output cannot hold the film, or an argument is invalid.
        OutputError: the output exists, or cannot be written.
    """
    images = [] if styles is None else images_among(styles)
    plan = _plan(source, output, model.limits, arguments, images, overwrite=overwrite)
    domain = model.target(to)
    codes = model.codes(domain, None, styles, size, work_size, seed, style_weights)
    if codes is not None and len(codes) > 1:
        raise UsageError(f"a film has one style, and {len(codes)} are given")
    return film.translate_film(
        model,
        plan,
        to=domain,
        code=None if codes is None else tuple(codes[0].tolist()),
        size=size,
        work_size=work_size,
        strength=strength,
        frame_by_frame=frame_by_frame,
        on_frame=on_frame,
        notify=notify,
    )


def stylize_video(
    transfer: StyleTransfer | FastStyleTransfer,
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
    `imgxlate.load_style_transfer`, or of `imgxlate.load_fast_style_transfer`, which has no iterations and no seed. The
    other arguments and the errors are those of `translate_video`.
    """
    plan = _plan(source, output, transfer.limits, arguments, listed(styles), overwrite=overwrite)
    images = [to_image_array(style, transfer.limits) for style in listed(styles)]
    if isinstance(transfer, FastStyleTransfer):
        return film.stylize_film_fast(
            transfer, plan, images, frame_by_frame=frame_by_frame, on_frame=on_frame, notify=notify
        )
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
    styles: Sequence[ImageLike],
    *,
    overwrite: bool,
) -> "FilmPlan":
    from imgxlate.video.film import plan_film  # Imported late: it needs an extra.

    existing = Existing.OVERWRITE if overwrite else Existing.REFUSE
    besides = [Source(Path(style)) for style in styles if isinstance(style, str | os.PathLike)]
    plan = plan_film(
        Path(source),
        output,
        existing=existing,
        limits=limits,
        labels=registry.labels(),
        besides=besides,
        **arguments,
    )
    return cast("FilmPlan", plan)  # None would stand for an output that is kept.
