"""Optical flow between two frames, and where it can be trusted. Needs OpenCV, of the extra `video`.

A flow (H, W, 2) float32 says for each pixel of a frame where it lies in another frame: how many pixels to the right,
and how many below.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from imgxlate.errors import UsageError

Frame = NDArray[np.uint8]
"""(H, W, 3), red, green and blue."""

Flow = NDArray[np.float32]

_Pixels = TypeVar("_Pixels", NDArray[np.uint8], NDArray[np.float32])

_LEAST_SIDE = 12  # pixels: the longer side of frames that DIS takes


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The motion from one frame to the next."""

    flow: Flow  # from the pixels of the next frame back to those of the first one
    consistent: NDArray[np.bool_]  # (H, W): where the flow can be trusted


def motion(first: Frame, second: Frame) -> Motion:
    """The motion from a frame to the next one of the same size.

    Raises:
        UsageError: OpenCV is not installed.
    """
    backward = optical_flow(second, first)
    return Motion(backward, consistency(backward, optical_flow(first, second)))


def optical_flow(source: Frame, target: Frame) -> Flow:
    """For each pixel of `source`, where it lies in `target`: dense inverse search (Kroeger et al., arXiv 1603.03590).

    Raises:
        UsageError: OpenCV is not installed.
    """
    height, width, _ = source.shape
    if max(height, width) < _LEAST_SIDE:
        return np.zeros((height, width, 2), np.float32)
    cv2 = opencv()
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)  # The presets stop at half of the resolution, and are then 0.1 pixels off.
    gray = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (source, target))
    return np.asarray(search.calc(*gray, None), np.float32)


def warp(image: _Pixels, flow: Flow) -> _Pixels:
    """Move `image` (H, W) or (H, W, C) along `flow`: the output at x is the image at x + flow(x).

    The interpolation is bicubic, which keeps the detail of an image that is moved many times. Pixels from beyond the
    border get the color of the border.
    """
    cv2 = opencv()
    height, width, _ = flow.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = flow[..., 0] + columns, flow[..., 1] + rows
    warped: _Pixels = cv2.remap(image, *places, interpolation=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return warped


def consistency(backward: Flow, forward: Flow) -> NDArray[np.bool_]:
    """Where a pixel of the second frame shows the same point as the place in the first one that `backward` leads to.

    It does not where `backward` leads out of the frame, where the point was hidden in the first frame, and beside the
    borders of moving things, where flow is inexact (Ruder, Dosovitskiy and Brox, arXiv 1604.08610, section 4.2).
    """
    returned = warp(forward, backward)
    disoccluded = _squared(returned + backward) > 0.01 * (_squared(returned) + _squared(backward)) + 0.5
    slopes = (np.gradient(backward, axis=axis) for axis in (0, 1))
    boundary = sum(map(_squared, slopes)) > 0.01 * _squared(backward) + 0.002
    return is_inside(backward) & ~disoccluded & ~boundary


def _squared(vectors: Flow) -> NDArray[np.float32]:
    """The squared length of each vector: (H, W, 2) to (H, W)."""
    lengths: NDArray[np.float32] = np.einsum("hwc,hwc->hw", vectors, vectors)
    return lengths


def is_inside(flow: Flow) -> NDArray[np.bool_]:
    """Where a flow leads to a place within the frame, whose pixels reach half a pixel around their centers."""
    height, width, _ = flow.shape
    columns, rows = flow[..., 0] + np.arange(width), flow[..., 1] + np.arange(height)[:, None]
    inside: NDArray[np.bool_] = (columns >= -0.5) & (columns <= width - 0.5) & (rows >= -0.5) & (rows <= height - 0.5)
    return inside


def opencv() -> ModuleType:
    """The module `cv2`.

    Raises:
        UsageError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise UsageError(
            "steady films need OpenCV, which is not installed",
            hint='Type `pip install "imgxlate[video]"`, or add --frame-by-frame.',
        ) from error
    return cv2
