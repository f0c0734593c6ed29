"""Shots: where a film cuts from one to the next."""

import numpy as np
from numpy.typing import NDArray

from imgxlate.video.flow import Frame, Motion, motion

# Measured by benchmarks/shots.py: at the cuts of a film and between photos, the distance is at least 0.25, and at most
# 0.23 of the frame is consistent. Within shots, where a car passes close by and only every third frame is seen, at
# least 0.29 is consistent. Light that flickers reaches larger distances than a cut, but the flow stays consistent.
_LEAST_DISTANCE = 0.2
_LEAST_CONSISTENT = 0.25

_LEVELS = 8  # of each color in a histogram


def motion_within_shot(last: Frame | None, frame: Frame) -> Motion | None:
    """The motion from the last frame to this one of the same size; None: the frame is the first one of a shot.

    Raises:
        UsageError: OpenCV is not installed.
    """
    if last is None:
        return None
    found = motion(last, frame)
    return None if is_cut(last, frame, found) else found


def is_cut(first: Frame, second: Frame, found: Motion) -> bool:
    """Whether a shot ends between two frames: the motion that was found is not consistent, and the colors differ."""
    fails = float(found.consistent.mean()) < _LEAST_CONSISTENT
    return fails and color_distance(first, second) > _LEAST_DISTANCE


def color_distance(first: Frame, second: Frame) -> float:
    """Half the L1 distance of the color histograms of two frames: 0 if they are equal, 1 if they share no color."""
    return float(np.abs(_histogram(first) - _histogram(second)).sum() / 2)


def _histogram(frame: Frame) -> NDArray[np.float64]:
    """The part of the pixels in each of 8 x 8 x 8 bins of colors (512,)."""
    red, green, blue = np.moveaxis(frame // (256 // _LEVELS), -1, 0).astype(np.int64)
    bins: NDArray[np.int64] = (red * _LEVELS + green) * _LEVELS + blue
    counts: NDArray[np.intp] = np.bincount(bins.ravel(), minlength=_LEVELS**3)
    return counts / bins.size
