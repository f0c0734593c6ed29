"""Optical flow and where it can be trusted."""

import sys

import numpy as np
import pytest
from frames import pan, texture

from imgxlate.errors import UsageError
from imgxlate.video.flow import consistency, motion, optical_flow, warp


@pytest.fixture
def moved_block():
    """Two frames in which a block of 40 x 40 pixels moves 8 pixels to the right, and the background stands still."""
    background, block = texture(96, 160), texture(40, 40, seed=1)

    def frame(left):
        image = background.copy()
        image[30:70, left : left + 40] = block
        return image

    return frame(60), frame(68)


def test_the_flow_of_a_pan_is_exact():
    first, second = pan(2)
    inside = optical_flow(second, first)[4:-4, 4:-4]
    assert np.abs(inside - (3, 1)).mean() < 0.01


def test_a_frame_moved_along_the_flow_is_the_next_one():
    first, second = pan(2)
    found = motion(first, second)
    difference = np.abs(warp(first, found.flow).astype(int) - second).mean(-1)
    assert difference[found.consistent].mean() < 0.1
    assert difference[~found.consistent].mean() > 2


def test_frames_too_small_for_a_flow_stand_still():
    frame = np.zeros((8, 8, 3), np.uint8)
    assert not optical_flow(frame, frame).any()


def test_flow_from_beyond_the_border_is_not_consistent():
    consistent = motion(*pan(2)).consistent
    assert not consistent[-1].any()
    assert not consistent[:, -2:].any()
    assert consistent[2:-3, 2:-5].mean() > 0.98


def test_flow_is_not_consistent_where_the_background_was_hidden(moved_block):
    consistent = motion(*moved_block).consistent
    assert consistent[32:68, 61:67].mean() < 0.1  # behind the block in the first frame
    assert consistent[34:66, 74:102].all()  # on the block
    assert consistent[:20].mean() > 0.99  # far from it


def test_flow_is_not_consistent_at_the_boundary_of_a_motion():
    backward = np.zeros((20, 20, 2), np.float32)
    backward[:, 10:] = (-4, 0)
    consistent = consistency(backward, -backward)
    assert not consistent[:, 9:11].any()
    assert consistent[:, 1:8].all()


def test_a_missing_opencv_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError) as caught:
        motion(*pan(2))
    assert "imgxlate[video]" in caught.value.hint
