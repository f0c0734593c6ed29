from typing import Literal

import numpy as np
import pytest

from imgxlate.images.image_array import ImageArray


def test_size_is_height_and_width(colors: np.ndarray) -> None:
    assert ImageArray(colors).size == (5, 7)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float64),
        np.zeros((4, 4, 3), np.int16),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_colors_of_another_shape_or_type_are_refused(rgb: np.ndarray) -> None:
    with pytest.raises(ValueError, match="rgb must be"):
        ImageArray(rgb)


@pytest.mark.parametrize("alpha", [np.zeros((7, 5), np.uint8), np.zeros((5, 7), bool), np.zeros((5, 7), np.uint16)])
def test_alpha_of_another_size_or_type_is_refused(colors: np.ndarray, alpha: np.ndarray) -> None:
    with pytest.raises(ValueError, match="alpha must be"):
        ImageArray(colors, alpha)


def test_with_rgb_keeps_the_transparency(colors: np.ndarray) -> None:
    alpha = np.arange(35, dtype=np.uint8).reshape(5, 7)
    with_rgb = ImageArray(colors, alpha).with_rgb(255 - colors)
    assert np.array_equal(with_rgb.rgb, 255 - colors)
    assert with_rgb.alpha is alpha


def test_with_rgb_at_another_size_resizes_the_transparency() -> None:
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 4:] = 255
    with_rgb = ImageArray(np.zeros((8, 8, 3), np.uint8), alpha).with_rgb(np.zeros((16, 24, 3), np.uint8))
    assert with_rgb.alpha is not None
    assert with_rgb.alpha.shape == (16, 24)
    assert (with_rgb.alpha[:, :9] == 0).all()
    assert (with_rgb.alpha[:, 15:] == 255).all()


def test_with_rgb_without_transparency_takes_any_size(colors: np.ndarray) -> None:
    assert ImageArray(colors).with_rgb(np.zeros((2, 3, 3), np.uint8)).alpha is None


def test_eight_bits_come_back_from_sixteen(colors: np.ndarray) -> None:
    image = ImageArray(colors, colors[..., 0])
    deep = image.at_depth(16)
    assert (image.depth, deep.depth) == (8, 16)
    assert np.array_equal(deep.rgb, colors.astype(int) * 257)
    assert deep.alpha is not None
    assert np.array_equal(deep.alpha, deep.rgb[..., 0])
    assert np.array_equal(deep.at_depth(8).rgb, colors)
    assert image.at_depth(8) is image


def test_sixteen_bits_are_rounded_to_the_nearest_of_eight() -> None:
    values = np.arange(65536, dtype=np.uint16)
    image = ImageArray(values.reshape(256, 256, 1).repeat(3, axis=2))
    assert np.array_equal(image.at_depth(8).rgb[..., 0].ravel(), np.rint(values / 257))


def test_with_rgb_brings_the_transparency_to_the_depth_of_the_colors() -> None:
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 4:] = 255
    deep = ImageArray(np.zeros((8, 8, 3), np.uint8), alpha).with_rgb(np.zeros((8, 8, 3), np.uint16))
    assert deep.alpha is not None
    assert np.array_equal(deep.alpha, alpha.astype(int) * 257)
    larger = deep.with_rgb(np.zeros((16, 24, 3), np.uint16))
    assert larger.alpha is not None
    assert (larger.alpha[:, :9] == 0).all()
    assert (larger.alpha[:, 15:] == 65535).all()
    assert larger.with_rgb(np.zeros((16, 24, 3), np.uint8)).alpha.max() == 255  # type: ignore[union-attr]


@pytest.mark.parametrize("depth", [8, 16])
def test_on_white_hidden_colors_are_gone(colors: np.ndarray, depth: Literal[8, 16]) -> None:
    alpha = np.full((5, 7), 255, np.uint8)
    alpha[0], alpha[1] = 0, 100
    image = ImageArray(colors, alpha).at_depth(depth)
    shown = image.on_white()
    white = 2**depth - 1
    assert (shown.rgb[0] == white).all()
    assert np.array_equal(shown.rgb[1], np.rint((image.rgb[1] * 100.0 + white * 155.0) / 255))
    assert np.array_equal(shown.rgb[2:], image.rgb[2:])
    assert shown.alpha is image.alpha


def test_an_opaque_image_is_the_same_on_white(colors: np.ndarray) -> None:
    for image in (ImageArray(colors), ImageArray(colors, np.full((5, 7), 255, np.uint8))):
        assert image.on_white() is image
