"""Label maps: images of flat colors, each of which marks a region. `labels.png#0000ff` is the part in one color."""

import os
from pathlib import Path

import numpy as np
from PIL import ImageColor

from imgxlate.errors import ImageError, UsageError
from imgxlate.images.image_array import ImageArray

_LISTED = 8  # colors in a hint


def split_label(name: str) -> tuple[str, str, str]:
    """The file, the # and the color that `labels.png#0000ff` or `labels.png#blue` names. A mere file has no color.

    Text with a dot or a slash after the # is part of the name of a file: `sky #2.png`.
    """
    file, mark, color = name.rpartition("#")
    is_color = mark and not {*color} & {*"./\\"} and not os.path.lexists(name)
    return (file, mark, color) if is_color else (name, "", "")


def mask_of(labels: ImageArray, color: str, file: str | Path) -> ImageArray:
    """The mask of the region in one color of a label map: white there, black elsewhere. `file` is for messages.

    Raises:
        UsageError: `color` is neither a name nor hexadecimal digits.
        ImageError: no pixel has the color; the hint names the colors that occur most.
    """
    wanted = np.array(_parse(color, file), labels.rgb.dtype)
    inside = (labels.rgb == wanted).all(axis=2)
    if not inside.any():
        raise ImageError(
            file,
            f"no pixel of the label map has the color {color}, #{bytes(wanted).hex()}",
            hint=f"Its colors, the most frequent first: {', '.join(_colors(labels.rgb))}.",
        )
    return ImageArray(np.broadcast_to(inside[:, :, None].astype(np.uint8) * 255, labels.rgb.shape))


def _parse(color: str, file: str | Path) -> tuple[int, ...]:
    for text in (color, f"#{color}"):
        try:
            return ImageColor.getrgb(text)[:3]
        except ValueError:
            continue
    raise UsageError(f"{color!r} is not a color", hint=f"For example: {file}#blue or {file}#0000ff.")


def _colors(rgb: np.ndarray) -> list[str]:
    """The most frequent colors, as hexadecimal digits."""
    packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colors, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [f"#{color:06x}" for color in colors[order[:_LISTED]]] + (["..."] if len(colors) > _LISTED else [])
