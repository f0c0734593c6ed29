"""Where a film cuts from one shot to the next."""

import numpy as np
from frames import pan, texture, with_cut

from imgxlate.video.flow import motion
from imgxlate.video.shots import color_distance, motion_within_shot


def starts_of_shots(film):
    return [n for n, frame in enumerate(film) if motion_within_shot(film[n - 1] if n else None, frame) is None]


def test_a_pan_is_one_shot():
    assert starts_of_shots(pan(6)) == [0]


def test_a_shot_begins_at_a_cut():
    assert starts_of_shots(with_cut(3)) == [0, 3]


def test_flickering_light_is_no_cut():
    film = [(frame * light).astype(np.uint8) for frame, light in zip(pan(4), (0.9, 0.6, 1, 0.7), strict=True)]
    assert color_distance(film[0], film[1]) > 0.2
    assert starts_of_shots(film) == [0]


def test_a_flow_that_fails_is_no_cut_while_the_colors_stay():
    first, second = texture(96, 128), texture(96, 128)[:, ::-1].copy()
    assert motion(first, second).consistent.mean() < 0.25
    assert motion_within_shot(first, second) is not None


def test_the_color_distance_is_0_for_equal_frames_and_1_without_a_common_color():
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    assert color_distance(black, black) == 0
    assert color_distance(black, white) == 1
