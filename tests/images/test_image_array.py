import numpy as np
import pytest

from imgxlate.images.image_array import ImageArray


def test_size_is_height_and_width(colours: np.ndarray) -> None:
    assert ImageArray(colours).size == (5, 7)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_colours_of_another_shape_or_type_are_refused(rgb: np.ndarray) -> None:
    with pytest.raises(ValueError, match="colours must be"):
        ImageArray(rgb)


@pytest.mark.parametrize("alpha", [np.zeros((7, 5), np.uint8), np.zeros((5, 7), bool)])
def test_alpha_of_another_size_or_type_is_refused(colours: np.ndarray, alpha: np.ndarray) -> None:
    with pytest.raises(ValueError, match="alpha must be"):
        ImageArray(colours, alpha)


def test_repainted_keeps_the_transparency(colours: np.ndarray) -> None:
    alpha = np.arange(35, dtype=np.uint8).reshape(5, 7)
    repainted = ImageArray(colours, alpha).repainted(255 - colours)
    assert np.array_equal(repainted.rgb, 255 - colours)
    assert repainted.alpha is alpha


def test_repainted_at_another_size_resizes_the_transparency() -> None:
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 4:] = 255
    repainted = ImageArray(np.zeros((8, 8, 3), np.uint8), alpha).repainted(np.zeros((16, 24, 3), np.uint8))
    assert repainted.alpha is not None
    assert repainted.alpha.shape == (16, 24)
    assert (repainted.alpha[:, :9] == 0).all()
    assert (repainted.alpha[:, 15:] == 255).all()


def test_repainted_without_transparency_takes_any_size(colours: np.ndarray) -> None:
    assert ImageArray(colours).repainted(np.zeros((2, 3, 3), np.uint8)).alpha is None
