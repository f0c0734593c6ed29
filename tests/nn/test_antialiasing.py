"""Anti-aliased sampling against its filters written out."""

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from imgxlate.nn import antialiasing
from imgxlate.nn.antialiasing import BlurredDownsampling, BlurredUpsampling

LAYERS = [BlurredDownsampling, BlurredUpsampling]


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


@pytest.mark.parametrize("layer", LAYERS)
def test_an_image_of_one_color_keeps_it_and_no_weight_is_trained(layer):
    sampling = layer(2)
    assert torch.allclose(sampling(torch.full((1, 2, 8, 8), 0.7)), torch.tensor(0.7))
    assert list(sampling.state_dict()) == ["filt"]
    assert not list(sampling.parameters())


@pytest.mark.parametrize("layer", LAYERS)
def test_gradients_and_their_gradients_are_exact(layer):
    sampling, x = layer(2).double(), noise(1, 2, 5, 4).requires_grad_()
    assert torch.autograd.gradcheck(sampling, x)
    assert torch.autograd.gradgradcheck(sampling, x)


def test_the_transposed_blur_of_gpus_equals_a_transposed_convolution():
    filt, x = BlurredUpsampling(3).double().filt, noise(2, 3, 6, 5).requires_grad_()
    ours = antialiasing._TransposedBlur.apply(x, filt, torch.Size((2, 3, 8, 6)), 3)
    theirs = functional.conv_transpose2d(x, filt, stride=2, padding=3, groups=3)
    assert torch.allclose(ours, theirs)
    weights = noise(*ours.shape)
    found, expected = (torch.autograd.grad((y * weights).sum(), x)[0] for y in (ours, theirs))
    assert torch.allclose(found, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("layer", LAYERS)
def test_a_gpu_gives_the_same_as_a_processor_in_each_layout(layer):
    def computed(device, layout):
        x = noise(2, 40, 12, 10).to(device=device, dtype=torch.float32, memory_format=layout).requires_grad_()
        y = layer(40).to(device=device, memory_format=layout)(x)
        weights = noise(*y.shape).to(device=device, dtype=torch.float32)
        return y.cpu(), torch.autograd.grad((y * weights).sum(), x)[0].cpu()

    expected = computed("cpu", torch.contiguous_format)
    for layout in (torch.contiguous_format, torch.channels_last):
        for found, wanted in zip(computed("cuda", layout), expected, strict=True):
            assert torch.allclose(found, wanted, atol=1e-5)


class Operations(TorchDispatchMode):
    """Counts what torch computes."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


def test_a_gradient_of_a_gradient_takes_no_computation_for_each_channel():
    def operations(channels):
        sampling, x = BlurredDownsampling(channels), torch.rand(1, channels, 6, 6).requires_grad_()
        with Operations() as counted:
            (gradient,) = torch.autograd.grad(sampling(x).square().sum(), x, create_graph=True)
            gradient.square().sum().backward()
        return counted.count

    assert operations(2) == operations(64)
