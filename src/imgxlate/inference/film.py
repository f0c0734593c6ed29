"""Films: each frame through a translation model, or painted in a style."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray

from imgxlate.callbacks import Notify, ignore
from imgxlate.config import flattened
from imgxlate.errors import UsageError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import Size, longer_side
from imgxlate.inference.fast_style import FastStyleTransfer
from imgxlate.inference.model import Model
from imgxlate.inference.provenance import sha256_of_weights
from imgxlate.inference.steady_stylization import stylization_processor
from imgxlate.inference.steady_translation import image_of_frame, translation_processor
from imgxlate.inference.style_codes import Code
from imgxlate.inference.stylization import Iteration, StyleTransfer
from imgxlate.methods.spec import DOMAINS, Domain
from imgxlate.video.flow import opencv
from imgxlate.video.processor import FrameProcessor

if TYPE_CHECKING:
    from imgxlate.video.film import FilmPlan, FilmResult, OnFrame

TRANSLATED = 48
"""Frames of a segment of a translated film. They are lost at most if the work is interrupted."""

PAINTED = 8
"""Frames of a segment of a painted film. One takes minutes, so a segment has few."""


class FilmArguments(TypedDict, total=False):
    """Arguments of `translate_video` and `stylize_video`: which part of a film is taken, and how it is written."""

    start: float | str | None  # begin at this time of the film: seconds, or a text such as "1:30"
    end: float | str | None  # end before this time of the film
    every: int  # take every N-th frame only
    frame_rate: float | str | None  # frames per second of a folder of frames; None: 25
    codec: str | None  # "h264", "h265", "vp9" or "prores"; None: the usual one of the output's format
    quality: int | None  # of the video, from 0 to 100; None: 75
    sound: bool  # copy the sound
    mask: str | os.PathLike[str] | None  # an image; or a film or a folder with one mask for each frame of the input


@dataclass(frozen=True, slots=True)
class FrameByFrame:
    """Turns each frame into its output independently of the others."""

    output: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

    def process(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The output (H, W, 3) for a frame (H, W, 3)."""
        return self.output(frame)

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing: no frame depends on earlier ones."""
        return {}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Do nothing."""


def translate_film(
    model: Model,
    plan: "FilmPlan",
    *,
    to: Domain,
    code: Code | None = None,  # the style code of all frames; None: the method has no styles
    size: int | Size | None = None,  # of the output: its shorter side, or both, in pixels; None: the input's size
    work_size: int | None = None,  # longest shorter side to translate at
    strength: float = 1.0,  # how much of the style to take: 0 keeps the style of each frame
    frame_by_frame: bool = False,
    on_frame: "OnFrame" = ignore,
    notify: Notify = ignore,
) -> "FilmResult":
    """Translate a film, all frames in one style.

    Raises:
        UsageError: images of a domain are not in color, or `strength` is not 1 and the method does not mix styles.
        ImageError: the film or a mask is damaged.
        OutputError: the output cannot be written, or another command began it.
    """
    from imgxlate.video.film import make_film

    if not all(model.format_of(domain).is_color for domain in DOMAINS):
        raise UsageError(f"{model.name} translates images that are not in color, and films are in color")
    model.require_strength(strength)
    style = None if code is None else torch.tensor([code])
    facts = {
        "method": model.method,
        "model": model.name,
        "weights": model.weights and sha256_of_weights(model.weights),
        "config": model.config and sha256_of_weights(model.config),
        "generators": model.generators,
        "norm_statistics": model.norm_statistics,
        "computation": [model.device.type, str(model.arithmetic)],
        "threads": _threads(model.device),
        "to": to,
        "style": code,
        "size": [size, work_size],
        "strength": strength,
        "opencv": None if frame_by_frame else opencv().__version__,
    }
    if frame_by_frame:
        processor: FrameProcessor = FrameByFrame(
            lambda frame: _colors(
                model.translate_array(image_of_frame(frame, size), to, style, work_size=work_size, strength=strength)
            )
        )
    else:
        processor = translation_processor(model, to, style, size=size, work_size=work_size, strength=strength)
    return make_film(plan, processor, facts, segment=TRANSLATED, on_frame=on_frame, notify=notify)


def stylize_film(
    transfer: StyleTransfer,
    plan: "FilmPlan",
    styles: Sequence[ImageArray],
    *,
    seed: int = 0,
    frame_by_frame: bool = False,
    on_frame: "OnFrame" = ignore,
    on_iteration: Callable[[Iteration], None] = ignore,
    notify: Notify = ignore,
) -> "FilmResult":
    """Paint a film in the style of one or more images.

    Raises:
        ImageError: the film or a mask is damaged.
        OutputError: the output cannot be written, or another command began it.
    """
    from imgxlate.video.film import make_film

    facts = {
        "method": transfer.spec.name,
        "config": {key: str(value) for key, value in flattened(transfer.config).items()},
        "features": sha256_of_weights(transfer.features),
        "styles": [hashlib.sha256(style.rgb.tobytes()).hexdigest() for style in styles],
        "seed": seed,
        "computation": [transfer.device.type, str(transfer.arithmetic)],
        "threads": _threads(transfer.device),
        "opencv": None if frame_by_frame else opencv().__version__,
    }
    if frame_by_frame:
        processor: FrameProcessor = FrameByFrame(
            lambda frame: transfer.stylize_array(frame, styles, seed=seed, on_iteration=on_iteration).rgb
        )
    else:
        processor = stylization_processor(transfer, styles, seed=seed, on_iteration=on_iteration)
    return make_film(plan, processor, facts, segment=PAINTED, on_frame=on_frame, notify=notify)


def stylize_film_fast(
    transfer: FastStyleTransfer,
    plan: "FilmPlan",
    styles: Sequence[ImageArray],
    *,
    frame_by_frame: bool = False,
    on_frame: "OnFrame" = ignore,
    notify: Notify = ignore,
) -> "FilmResult":
    """Paint each frame of a film in one pass, in the style of one or more images.

    Raises:
        UsageError: the colors of the frames are to be kept; or as `FastStyleTransfer.encode`.
        ImageError: the film or a mask is damaged.
        OutputError: the output cannot be written, or another command began it.
    """
    if transfer.config.preserve_color != "off":
        raise UsageError("a film that is painted in one pass cannot keep its colors", hint="Leave out preserve_color.")
    model, size = transfer.model, longer_side(plan.film.info.size, transfer.config.size)
    [code] = transfer.encode(styles, size).tolist()
    return translate_film(
        model,
        plan,
        to=model.target(None),
        code=tuple(code),
        size=size,
        strength=transfer.config.strength,
        frame_by_frame=frame_by_frame,
        on_frame=on_frame,
        notify=notify,
    )


def _threads(device: torch.device) -> int | None:
    """The number of threads, which the last bits of results depend on; None: other devices than a processor compute."""
    return torch.get_num_threads() if device.type == "cpu" else None


def _colors(outputs: Iterator[ImageArray]) -> NDArray[np.uint8]:
    """The colors (H, W, 3) of the only output."""
    [output] = outputs
    colors: NDArray[np.uint8] = output.rgb
    return colors
