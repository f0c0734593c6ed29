"""The descriptions of layers, and the moments of a map that is known in parts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from imgxlate.nn.antialiasing import BlurredDownsampling, BlurredUpsampling
from imgxlate.nn.blocks import ConvBlock, UpsampledConvBlock
from imgxlate.nn.norms import AdaptiveInstanceNorm, InstanceNorm, LayerNorm, norm_stages
from imgxlate.nn.stages import Affine, Moments, Norm, convolution, stages_of

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def noise(*shape, mean=0.0, deviation=1.0, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * deviation + mean


@given(heights=st.lists(st.integers(1, 9), min_size=1, max_size=6), mean=st.sampled_from([0.0, 5.0, -300.0]))
def test_the_moments_of_parts_add_up_to_those_of_the_map(heights, mean):
    x = noise(1, 3, sum(heights), 7, mean=mean)
    joined = None
    for part in x.split(heights, 2):
        joined = Moments.of(part).joined(joined)
    exact = x.double()
    assert joined.count == x[0, 0].numel()
    assert torch.allclose(joined.mean, exact.mean((0, 2, 3)), atol=1e-5)
    centered = exact - exact.mean((0, 2, 3), keepdim=True)
    assert torch.allclose(joined.deviations, centered.square().sum((0, 2, 3)), rtol=1e-4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_moments_of_many_positions_are_precise_far_from_zero(layout):
    x = noise(1, 2, 600, 500, mean=1000, deviation=0.1).contiguous(memory_format=layout)
    moments = Moments.of(x)
    variance = x.double().var((0, 2, 3), unbiased=False)
    assert torch.allclose(moments.deviations / moments.count, variance, rtol=1e-4)


def test_pooled_moments_are_those_of_all_channels():
    x = noise(1, 4, 6, 5, mean=2.0) * torch.tensor([1.0, 2, 3, 4])[:, None, None]
    mean, deviations = Moments.of(x).pooled()
    assert mean == pytest.approx(x.double().mean().item(), abs=1e-5)
    assert deviations == pytest.approx((x.double() - x.double().mean()).square().sum().item(), rel=1e-5)


def test_an_affine_map_centers_scales_and_shifts_each_channel():
    center, scale, shift = noise(3, 4).double()
    x = noise(1, 4, 5, 6)
    expected = (x - center[:, None, None]) * scale[:, None, None] + shift[:, None, None]
    assert torch.allclose(Affine(center, scale, shift)(x).double(), expected, atol=1e-5)


def test_an_affine_map_moves_its_values_to_the_device_of_its_input():
    values = torch.ones(4, dtype=torch.float64)
    x = noise(1, 4, 5, 6).to("meta")
    seen = []
    with _Devices(seen):
        assert Affine(values, values, values)(x).shape == x.shape
    assert set(seen) == {"meta"}


class _Devices(TorchFunctionMode):
    """Notes the devices of the arguments of batch norms."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is functional.batch_norm:
            self.seen += [one.device.type for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mean", "deviation"), [(0, 1), (10, 0.1), (-50, 3)])
@pytest.mark.parametrize("kind", ["instance", "affine", "adaptive", "layer"])
def test_a_norm_follows_from_the_moments_of_its_input(randomize, kind, mean, deviation, layout):
    x = noise(1, 6, 20, 30, mean=mean, deviation=deviation).contiguous(memory_format=layout)
    layers = {
        "instance": InstanceNorm(6, affine=False),
        "affine": InstanceNorm(6, affine=True),
        "adaptive": AdaptiveInstanceNorm(6),
        "layer": LayerNorm(6),
    }
    layer, adain = randomize(layers[kind]), noise(1, 2, 6, seed=1) if kind == "adaptive" else None
    [norm] = norm_stages(layer, 6, adain)
    assert isinstance(norm, Norm)
    whole = layer(x) if adain is None else layer(x, adain)
    assert torch.allclose(norm.affine(Moments.of(x))(x), whole, atol=1e-4)


def test_batch_norm_and_no_norm_are_layers_that_map_each_position_by_itself(randomize):
    x = noise(1, 3, 4, 5)
    for layer in (randomize(nn.BatchNorm2d(3)), nn.Identity()):
        [stage] = norm_stages(layer, 3)
        assert (stage.reach, stage.stride, stage.scale, stage.channels) == (0, 1, 1, 3)
        assert torch.equal(stage.compute(x), layer(x))


CONVOLUTIONS = {
    "same": (nn.Conv2d(2, 3, 7, padding=3), 3),
    "downsampling": (nn.Conv2d(2, 3, 4, 2, 1), 1),
    "odd downsampling": (nn.Conv2d(2, 3, 3, 2, 1), 1),
    "1x1": (nn.Conv2d(2, 3, 1), 0),
    "transposed": (nn.ConvTranspose2d(2, 3, 3, 2, 1, 1), 1),
    "even transposed": (nn.ConvTranspose2d(2, 3, 4, 2, 1), 1),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_is_described_as_it_computes(name):
    layer, padding = CONVOLUTIONS[name]
    require_reach(convolution(layer, padding, layer))


@pytest.mark.parametrize(
    ("channels", "others", "products"), [(3, 24, 5 * 24 * 49), (24, 3, 24 * 5 * 49), (8, 16, 8 * 16 * 49)]
)
def test_a_convolution_of_few_channels_counts_as_one_of_some_more(channels, others, products):
    layer = nn.Conv2d(channels, others, 7)
    assert convolution(layer, 3, layer).products == products


@pytest.mark.parametrize("pad_type", ["reflect", "replicate", "zero"])
def test_blocks_are_described_as_they_compute(pad_type):
    norm = nn.Identity()
    block = ConvBlock(2, 3, 5, norm=norm, activ="relu", pad_type=pad_type)
    upsampled = UpsampledConvBlock(2, 3, norm=norm, activ="relu", pad_type=pad_type)
    for one in (block, upsampled):
        first, *_ = stages_of([one])
        require_reach(first)


@pytest.mark.parametrize("layer", [BlurredDownsampling, BlurredUpsampling])
def test_anti_aliased_sampling_is_described_as_it_computes(layer):
    [stage] = layer(2).stages()
    require_reach(stage)


def require_reach(stage):
    """The output has the described size, and each of its rows depends on rows within the described reach only."""
    height = 12
    x = noise(1, 2, height, 8).requires_grad_()
    y = stage.compute(x)
    assert y.shape[1:3] == (stage.channels, height * stage.scale // stage.stride)
    for row in range(y.shape[2]):
        [gradient] = torch.autograd.grad(y[:, :, row].sum(), x, retain_graph=True)
        rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
        assert row * stage.stride // stage.scale - stage.reach <= rows.min()
        assert rows.max() < -(-(row + 1) * stage.stride // stage.scale) + stage.reach
