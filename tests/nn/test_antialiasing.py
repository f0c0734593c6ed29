"""Anti-aliased sampling against its filters written out."""

import pytest
import torch
from torch.nn import functional

from imgxlate.nn.antialiasing import BlurredDownsampling, BlurredUpsampling


def noise(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(2, 2), (6, 8), (7, 5)])
def test_downsampling_blurs_and_keeps_every_second_position(size):
    x = noise(2, 3, *size)
    kernel = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]).double() / 16
    padded = functional.pad(x.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="reflect")
    expected = functional.conv2d(padded, kernel[None, None])[:, :, ::2, ::2]
    y = BlurredDownsampling(3).double()(x)
    assert y.shape == (2, 3, -(-size[0] // 2), -(-size[1] // 2))
    assert torch.allclose(y.flatten(0, 1), expected[:, 0])


@pytest.mark.parametrize("size", [(1, 1), (4, 7)])
def test_upsampling_is_bilinear_interpolation(size):
    x = noise(2, 3, *size)
    expected = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(BlurredUpsampling(3).double()(x), expected)


@pytest.mark.parametrize("layer", [BlurredDownsampling, BlurredUpsampling])
def test_an_image_of_one_color_keeps_it_and_no_weight_is_trained(layer):
    sampling = layer(2)
    assert torch.allclose(sampling(torch.full((1, 2, 8, 8), 0.7)), torch.tensor(0.7))
    assert list(sampling.state_dict()) == ["filt"]
    assert not list(sampling.parameters())
