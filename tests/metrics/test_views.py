"""The size at which images are measured."""

import numpy as np
import pytest
import torch

from imgxlate.images.image_array import ImageArray
from imgxlate.images.tensors import to_tensor
from imgxlate.metrics.views import LONGEST_SIDE, SMALLEST_SIDE, view


def image(size):
    return ImageArray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((40, 70), (40, 70)),
        ((512, 384), (256, 192)),
        ((100, 2560), (SMALLEST_SIDE, LONGEST_SIDE)),
        ((1, 1), (SMALLEST_SIDE, SMALLEST_SIDE)),
        ((2, 4000), (SMALLEST_SIDE, LONGEST_SIDE)),
    ],
)
def test_the_sides_are_bounded_from_above_and_below(size, expected):
    assert view(image(size)).shape == (1, 3, *expected)


def test_an_image_within_the_bounds_is_not_changed():
    assert torch.equal(view(image((40, 70))), to_tensor(image((40, 70)).rgb))


def test_an_image_gets_the_size_of_the_image_it_is_compared_with():
    assert view(image((50, 60)), (64, 48)).shape == (1, 3, 64, 48)
