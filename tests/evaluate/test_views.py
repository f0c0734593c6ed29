import numpy as np
import pytest
import torch

from imgxlate.evaluate.views import LONGEST_SIDE, SMALLEST_SIDE, as_tensor, size_of, view
from imgxlate.images.image_array import ImageArray


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((40, 70), (40, 70)),
        ((512, 384), (256, 192)),
        ((100, 2560), (SMALLEST_SIDE, LONGEST_SIDE)),
        ((1, 1), (SMALLEST_SIDE, SMALLEST_SIDE)),
        ((2, 4000), (SMALLEST_SIDE, LONGEST_SIDE)),
    ],
)
def test_what_is_seen_of_a_picture_is_bounded_from_above_and_below(size, seen):
    assert view(torch.zeros(1, 3, *size)).shape == (1, 3, *seen)


def test_a_picture_and_its_tensor_are_seen_alike():
    picture = ImageArray(np.random.default_rng(0).integers(0, 256, (300, 280, 3), dtype=np.uint8))
    tensor = as_tensor(picture)
    assert size_of(picture) == size_of(tensor) == (300, 280)
    assert torch.equal(view(picture), view(tensor))
    assert torch.equal(view(picture), view(tensor.double().requires_grad_()))


def test_a_picture_takes_the_size_of_the_one_it_is_compared_with():
    assert view(torch.zeros(1, 3, 50, 60), (64, 48)).shape == (1, 3, 64, 48)
