"""Masks: white changes, black stays to the bit, gray blends."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.errors import ImageError
from imgxlate.images.image_array import ImageArray
from imgxlate.images.masks import blend, divide, weights_of


def drawn(height, width, seed=0, kind=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(kind).max + 1, (height, width, 3)).astype(kind)


def gray(values, kind=np.uint8):
    return ImageArray(np.repeat(np.asarray(values, kind)[:, :, None], 3, axis=2))


@given(height=st.integers(1, 40), width=st.integers(1, 40), kind=st.sampled_from([np.uint8, np.uint16]))
def test_black_keeps_each_pixel_to_the_bit_and_white_takes_the_new_one(height, width, kind):
    before, after = (ImageArray(drawn(height, width, seed, kind)) for seed in range(2))
    mask = np.random.default_rng(2).integers(0, 2, (height, width)) * 255
    result = blend(before, after, weights_of(gray(mask), (height, width)))
    assert np.array_equal(result.rgb, np.where(mask[:, :, None] == 255, after.rgb, before.rgb))


def test_gray_blends():
    before, after = ImageArray(np.full((1, 1, 3), 100, np.uint8)), ImageArray(np.full((1, 1, 3), 200, np.uint8))
    assert blend(before, after, weights_of(gray([[51]]), (1, 1))).rgb[0, 0].tolist() == [120] * 3


def test_an_image_of_8_bits_is_kept_within_a_result_of_16():
    before, after = ImageArray(drawn(5, 4)), ImageArray(drawn(5, 4, 1, np.uint16))
    result = blend(before, after, np.zeros((5, 4), np.float32))
    assert np.array_equal(result.rgb, before.rgb.astype(np.uint16) * 257)


def test_the_result_has_the_transparency_of_the_new_image():
    alpha = drawn(3, 4)[:, :, 0]
    result = blend(ImageArray(drawn(3, 4)), ImageArray(drawn(3, 4, 1), alpha), np.ones((3, 4), np.float32))
    assert np.array_equal(result.alpha, alpha)


def test_what_is_transparent_in_a_mask_stays():
    white = np.full((2, 2, 3), 255, np.uint8)
    assert weights_of(ImageArray(white, np.array([[0, 255], [51, 0]], np.uint8)), (2, 2)).tolist() == [
        [0, 1],
        [pytest.approx(0.2), 0],
    ]


def test_a_mask_of_another_size_is_resized():
    mask = np.zeros((20, 30), np.uint8)
    mask[:, 15:] = 255
    weights = weights_of(gray(mask), (40, 60))
    assert (weights[:, :28] == 0).all()
    assert (weights[:, 32:] == 1).all()
    assert weights_of(gray(mask), (40, 61)).shape == (40, 61)  # rounded


def test_a_mask_of_other_proportions_is_refused_by_name():
    with pytest.raises(ImageError, match=r"m\.png: the mask and the image have other proportions: 30 x 20 and 40 x 40"):
        weights_of(gray(np.zeros((20, 30))), (40, 40), "m.png")


def test_the_rest_is_what_masks_leave_but_for_the_rounding_of_resized_ones():
    soft = torch.full((1, 1, 2, 2), 0.75)
    [share], rest = divide([soft])
    assert torch.equal(share, soft)
    assert torch.equal(rest, 1 - soft)
    assert divide([soft, torch.full((1, 1, 2, 2), 0.25 - 1e-6)])[1] is None
    assert divide([torch.full((1, 1, 2, 2), 254 / 255)])[1] is not None


def test_regions_share_the_pixels_where_they_overlap():
    shares, rest = divide([torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), 0.25)])
    assert [share.item() for share in shares] == pytest.approx([0.8, 0.2])
    assert rest is None
