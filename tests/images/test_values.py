"""Values of images that are not in color: what scaling and restoring keep, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.errors import ImageError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.pixel_format import PixelFormat
from imgxlate.images.values import channels_last, image_of_values, restored

GRAY = PixelFormat(1)


def column(values, kind):
    return np.array(values, kind).reshape(-1, 1, 1)


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=50))
def test_values_of_sixteen_bits_come_back_exactly(values):
    pixels = PixelFormat(1, (0, 65535), "uint16")
    image, note = image_of_values(column(values, np.uint16), pixels)
    assert note is None
    assert restored(image)[:, 0, 0].tolist() == values


@given(st.lists(st.integers(-1024, 3071), min_size=1, max_size=50))
def test_hounsfield_units_come_back_exactly(values):
    pixels = PixelFormat(1, (-1024, 3071), "int16")
    image, note = image_of_values(column(values, np.int16), pixels)
    assert note is None
    assert np.abs(image.rgb).max() <= 1
    result = restored(image)
    assert (result.dtype, result[:, 0, 0].tolist()) == (np.int16, values)


def test_the_ends_of_the_range_become_minus_one_and_one():
    image, _ = image_of_values(column([0, 2048, 4096], np.uint16), PixelFormat(1, (0, 4096), "uint16"))
    assert image.rgb[:, 0, 0].tolist() == [-1, 0, 1]
    assert image.pixels == PixelFormat(1, (0, 4096), "uint16")


def test_clipped_values_are_counted():
    image, note = image_of_values(column([0] * 9 + [5000], np.uint16), PixelFormat(1, (0, 4095), "uint16"))
    assert image.rgb.max() == 1
    assert note == "10.0% of its values are outside of 0 to 4095, and are clipped"


def test_without_a_range_and_a_type_outputs_are_like_the_input():
    for kind, top in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1)):
        image, _ = image_of_values(column([0, top], kind), GRAY)
        result = restored(image)
        assert (result.dtype, result[:, 0, 0].tolist()) == (kind, [0, top])


@pytest.mark.parametrize("values", [column([-5, 900], np.int16), column([0, 2], np.float32), column([0, 9], np.int32)])
def test_values_whose_range_is_unknown_are_refused(values):
    with pytest.raises(ImageError, match="does not say what range they have") as caught:
        image_of_values(values, GRAY, "slice.tif")
    assert "Scale them" in caught.value.hint


def test_percentiles_scale_each_image_by_itself():
    pixels = PixelFormat(1, (0, 100), "uint16", percentiles=True)
    dark, light = (image_of_values(column(np.arange(101) * factor, np.uint16), pixels)[0] for factor in (1, 40))
    assert np.allclose(dark.rgb, light.rgb)
    assert dark.rgb.min() == -1
    assert dark.rgb.max() == 1
    assert restored(dark).max() == 100  # the range of outputs


def test_an_image_of_one_value_is_black_by_percentiles():
    image, _ = image_of_values(column([7, 7], np.uint16), PixelFormat(1, (0, 9), "uint16", percentiles=True))
    assert image.rgb.tolist() == [[[-1]], [[-1]]]


def test_gray_that_is_stored_as_color_is_gray():
    values = np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3, 1), 3, axis=2)
    image, _ = image_of_values(values, GRAY)
    assert image.rgb.shape == (2, 3, 1)


@pytest.mark.parametrize(
    ("shape", "channels", "said", "hint"),
    [
        ((2, 2, 3), 1, "is in color", "colorspace gray"),
        ((2, 2, 1), 3, "is gray", "Repeat"),
        ((2, 2, 5), 4, "has 5 channels, where 4", "Choose"),
    ],
)
def test_other_channels_are_refused_with_help(shape, channels, said, hint):
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    with pytest.raises(ImageError, match=said) as caught:
        image_of_values(values, PixelFormat(channels, (0, 255)), "a.png")
    assert hint in caught.value.hint


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ImageError, match="not finite"):
        image_of_values(column([0, np.nan], np.float32), PixelFormat(1, (0, 1)))


def test_channels_may_be_first_or_last():
    assert channels_last(np.zeros((20, 30))).shape == (20, 30, 1)
    assert channels_last(np.zeros((20, 30, 5))).shape == (20, 30, 5)
    assert channels_last(np.zeros((5, 20, 30))).shape == (20, 30, 5)


@pytest.mark.parametrize(
    "array", [np.zeros((40, 40, 40)), np.zeros(4), np.zeros((0, 4)), np.array(["a"]), np.zeros((2, 2), complex)]
)
def test_other_arrays_are_refused(array):
    with pytest.raises(ImageError):
        channels_last(array)


def test_false_colors_are_gray_or_the_first_three_channels():
    one = ImageArray(np.array([[[-1.0], [1.0]]], np.float32))
    assert one.at_depth(8).rgb.tolist() == [[[0, 0, 0], [255, 255, 255]]]
    many = ImageArray(np.array([[[-1.0, 0.0, 1.0, 0.5]]], np.float32))
    assert many.at_depth(8).rgb.tolist() == [[[0, 128, 255]]]


def test_the_channels_in_false_colors_can_be_chosen():
    image, _ = image_of_values(np.array([[[0, 50, 100, 200]]], np.uint8), PixelFormat(4, (0, 255), shown=(3, 2, 1)))
    assert image.at_depth(8).rgb.tolist() == [[[200, 100, 50]]]
    assert image.with_rgb(image.rgb).at_depth(16).rgb.tolist() == [[[51400, 25700, 12850]]]
