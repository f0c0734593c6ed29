import colorsys

import numpy as np
import pytest

from imgxlate.data.colors import hue_rotation, jitter
from imgxlate.data.config import DataConfig


def image(seed=0, lowest=60, highest=190):
    return np.random.default_rng(seed).integers(lowest, highest, (12, 10, 3), dtype=np.uint8)


class Highest:
    """Draws the largest number of each range."""

    def uniform(self, low, high):
        return high


def strongest(rgb, **options):
    return jitter(rgb, DataConfig(**options), Highest()).astype(float)


def luma(rgb):
    return rgb @ np.array([0.299, 0.587, 0.114])


def test_without_options_the_image_is_returned_and_no_number_is_drawn():
    rgb = image()
    assert jitter(rgb, DataConfig(), None) is rgb


def test_brightness_scales_all_values():
    rgb = image()
    assert np.abs(strongest(rgb, brightness=0.3) - rgb * 1.3).max() <= 0.51


def test_contrast_scales_the_distance_from_the_mean_gray():
    rgb = image()
    mean = luma(rgb).mean()
    assert np.abs(strongest(rgb, contrast=0.2) - (mean + 1.2 * (rgb - mean))).max() <= 0.51


def test_saturation_scales_the_distance_of_each_pixel_from_its_gray_and_keeps_that():
    rgb = image(lowest=90, highest=160)
    found = strongest(rgb, saturation=0.5)
    gray = luma(rgb)[..., None]
    assert np.abs(found - (gray + 1.5 * (rgb - gray))).max() <= 0.51
    assert np.abs(luma(found) - luma(rgb)).max() <= 0.51


@pytest.mark.parametrize(("degrees", "expected"), [(120, (0, 1, 0)), (-120, (0, 0, 1)), (360, (1, 0, 0))])
def test_a_third_of_a_turn_makes_red_green_or_blue(degrees, expected):
    np.testing.assert_allclose(hue_rotation(degrees) @ (1, 0, 0), expected, atol=1e-6)


def test_a_turn_of_the_hue_moves_it_by_the_angle_and_keeps_grays():
    red = np.full((2, 2, 3), (150, 100, 100), np.uint8)
    found = strongest(red, hue=60)[0, 0] / 255
    assert colorsys.rgb_to_hsv(*found)[0] * 360 == pytest.approx(60, abs=2)
    gray = np.full((2, 2, 3), 77, np.uint8)
    np.testing.assert_array_equal(strongest(gray, hue=90), gray)


def test_values_are_clipped_and_not_wrapped():
    white = np.full((2, 2, 3), 250, np.uint8)
    np.testing.assert_array_equal(strongest(white, brightness=1.0), 255)


def test_changes_are_drawn_evenly_on_both_sides():
    gray = np.full((1, 1, 3), 100, np.uint8)
    config = DataConfig(brightness=0.5)
    found = [int(jitter(gray, config, np.random.default_rng(seed))[0, 0, 0]) for seed in range(2000)]
    assert min(found) in range(50, 53)
    assert max(found) in range(148, 151)
    assert np.mean(found) == pytest.approx(100, abs=2)


def test_the_same_random_numbers_give_the_same_colors():
    config = DataConfig(brightness=0.2, contrast=0.2, saturation=0.2, hue=10)
    first, again, other = (jitter(image(), config, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
