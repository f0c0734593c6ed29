import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imgxlate.errors import DivergedError
from imgxlate.images.tensors import crop, from_tensor, pad_to, resize, to_tensor
from imgxlate.vision import torchvision

SIDES = st.integers(1, 40)
STRIDES = st.sampled_from([1, 2, 3, 4, 8, 16, 32])
MINIMA = st.integers(1, 64)


def numbered(height: int, width: int) -> torch.Tensor:
    """(1, 2, H, W): each pixel's row and column."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns])[None].float()


def test_a_tensor_has_the_documented_layout_and_range(colors: np.ndarray) -> None:
    tensor = to_tensor(colors)
    assert tensor.shape == (1, 3, 5, 7)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert tensor[0, 2, 4, 6].item() == pytest.approx(colors[4, 6, 2] / 127.5 - 1)


def test_black_and_white_are_exactly_minus_one_and_one() -> None:
    tensor = to_tensor(np.array([[[0, 255, 0]]], np.uint8))
    assert tensor.flatten().tolist() == [-1, 1, -1]


def test_a_read_only_array_is_accepted(colors: np.ndarray) -> None:
    colors.setflags(write=False)
    to_tensor(colors).zero_()
    assert colors.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_gray_levels_come_back(dtype: torch.dtype) -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(from_tensor(to_tensor(levels).to(dtype)), levels)


def test_all_values_of_sixteen_bits_come_back_from_any_rows() -> None:
    values = np.arange(65536, dtype=np.uint16).repeat(3).reshape(256, 256, 3)
    assert to_tensor(values).flatten()[[0, -1]].tolist() == [-1, 1]
    for rows in (slice(None), slice(100, 200)):
        assert np.array_equal(from_tensor(to_tensor(values[rows]), 16), values[rows])


def test_sixteen_bits_round_to_the_values_of_eight() -> None:
    tensor = torch.linspace(-1.1, 1.1, 3 * 64 * 64).reshape(1, 3, 64, 64)
    assert np.abs(from_tensor(tensor, 16) / 257 - from_tensor(tensor)).max() <= 0.5 + 1 / 257


@given(st.floats(-3, 3, width=32))
def test_gray_levels_are_clamped_and_rounded(value: float) -> None:
    expected = np.round((np.clip(np.float32(value), -1, 1) + np.float32(1)) * np.float32(127.5))
    assert from_tensor(torch.full((1, 3, 1, 1), value)).tolist() == [[[expected] * 3]]


def test_half_precision_is_rounded_in_float32() -> None:
    tensor = torch.linspace(-1, 1, 48).reshape(1, 3, 4, 4).bfloat16()
    assert np.array_equal(from_tensor(tensor), from_tensor(tensor.float()))


def test_a_tensor_that_requires_gradients_is_taken_and_left_alone() -> None:
    tensor = torch.full((1, 3, 2, 2), 5.0, requires_grad=True)
    assert (from_tensor(tensor) == 255).all()
    assert (tensor == 5).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_no_number_is_never_painted(value: float) -> None:
    tensor = torch.zeros(1, 3, 4, 4)
    tensor[0, 1, 2, 3] = value
    with pytest.raises(DivergedError):
        from_tensor(tensor)


@given(SIDES, SIDES, STRIDES, MINIMA)
def test_padding_reaches_the_stride_and_the_minimum_and_crops_back(
    height: int, width: int, stride: int, minimum: int
) -> None:
    image = numbered(height, width)
    padded, box = pad_to(image, stride, minimum)
    for side, original in zip(padded.shape[-2:], (height, width), strict=True):
        assert side % stride == 0
        assert side >= max(minimum, original) > side - stride
    assert torch.equal(crop(padded, box), image)


@given(SIDES, SIDES, STRIDES, MINIMA)
def test_padding_is_a_reflection_repeated_where_it_must_be(height: int, width: int, stride: int, minimum: int) -> None:
    image = numbered(height, width)
    padded, box = pad_to(image, stride, minimum)
    after = padded.shape[-2] - height - box.top, padded.shape[-1] - width - box.left
    borders = ((0, 0), (0, 0), (box.top, after[0]), (box.left, after[1]))
    assert np.array_equal(padded.numpy(), np.pad(image.numpy(), borders, mode="reflect"))
    assert 0 <= after[0] - box.top <= 1
    assert 0 <= after[1] - box.left <= 1


def test_a_size_that_fits_is_not_copied() -> None:
    image = torch.zeros(1, 3, 8, 16)
    assert pad_to(image, 8, 8)[0] is image


@given(SIDES, SIDES, SIDES, SIDES)
def test_resize_gives_the_size_and_keeps_a_flat_color(height: int, width: int, rows: int, columns: int) -> None:
    resized = resize(torch.full((1, 3, height, width), 0.25), (rows, columns))
    assert resized.shape == (1, 3, rows, columns)
    assert torch.allclose(resized, torch.tensor(0.25))


def test_resize_to_the_same_size_changes_nothing() -> None:
    image = torch.rand(1, 3, 5, 7)
    assert resize(image, (5, 7)) is image


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (31, 33), (64, 64), (100, 37), (257, 255), (299, 299)])
def test_resize_gives_the_bits_of_torchvision(size, layout, interpolation) -> None:
    """The original programs resize with torchvision."""
    functional = torchvision("transforms.v2.functional")
    mode = functional.InterpolationMode(interpolation)
    for height, width in ((1, 7), (7, 5), (13, 64), (31, 33), (300, 1), (256, 180)):
        image = torch.rand(2, 3, height, width).mul_(2).sub_(1).contiguous(memory_format=layout)
        expected = functional.resize(image, list(size), interpolation=mode, antialias=True).clamp_(-1, 1)
        assert torch.equal(resize(image, size, interpolation), expected)


def test_resize_shrinks_fine_stripes_to_gray() -> None:
    stripes = torch.ones(1, 3, 64, 64)
    stripes[..., ::2] = -1
    assert resize(stripes, (16, 16))[..., 2:-2].abs().max() < 0.1


def test_bicubic_is_sharper_than_bilinear_and_stays_in_range() -> None:
    edge = torch.ones(1, 3, 8, 8)
    edge[..., :4] = -1
    smooth, sharp = resize(edge, (32, 32)), resize(edge, (32, 32), "bicubic")
    assert sharp.diff(dim=-1).max() > smooth.diff(dim=-1).max()
    assert sharp.abs().max() <= 1


def test_resize_computes_in_float32() -> None:
    assert resize(torch.zeros(1, 3, 8, 8, dtype=torch.bfloat16), (4, 4)).dtype == torch.float32
