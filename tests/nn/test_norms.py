"""Normalisation layers against torch's own in float64, and where theirs would lose digits."""

import pytest
import torch
from torch.nn import functional

from imgxlate.nn.norms import AdaptiveInstanceNorm, InstanceNorm, LayerNorm, instance_norm, make_norm

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def features(*shape, mean=0.0, deviation=1.0, seed=0, layout=torch.contiguous_format):
    noise = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (noise * deviation + mean).contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mean", "deviation"), [(0, 1), (10, 0.1), (100, 0.1), (-50, 3)])
def test_instance_norm_keeps_its_digits_whatever_the_mean_and_the_layout(layout, mean, deviation):
    x = features(2, 16, 32, 24, mean=mean, deviation=deviation, layout=layout)
    exact = functional.instance_norm(x.double())
    assert (instance_norm(x) - exact).abs().max() < 1e-4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_constant_channel_becomes_zero(layout):
    x = torch.full((1, 4, 8, 8), 7.3).contiguous(memory_format=layout)
    assert instance_norm(x).abs().max() < 1e-2


def test_pictures_of_a_batch_do_not_see_each_other():
    x = features(3, 4, 6, 6)
    x[1] *= 100
    for layer in (InstanceNorm(4, affine=True), LayerNorm(4)):
        singles = torch.cat([layer(picture[None]) for picture in x])
        assert torch.allclose(layer(x), singles, atol=1e-5)


def test_affine_instance_norm_scales_and_shifts_each_channel():
    layer = InstanceNorm(3, affine=True)
    layer.weight.data = torch.tensor([1.0, 2, 3])
    layer.bias.data = torch.tensor([0.5, 0, -1])
    x = features(2, 3, 5, 7)
    expected = functional.instance_norm(x.double(), weight=layer.weight.double(), bias=layer.bias.double())
    assert torch.allclose(layer(x).double(), expected, atol=1e-5)


def test_adaptive_parameters_are_the_shift_then_the_scale_of_each_picture():
    x, adain = features(2, 3, 8, 8), features(2, 2, 3, seed=1)
    y = AdaptiveInstanceNorm(3)(x, adain)
    assert torch.allclose(y.mean((2, 3)), adain[:, 0], atol=1e-5)
    assert torch.allclose(y.std((2, 3), unbiased=False), adain[:, 1].abs(), atol=1e-4)


@pytest.mark.parametrize("deviation", [1, 1e-5])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layer_norm_divides_by_the_unbiased_deviation_plus_epsilon(layout, deviation):
    layer = LayerNorm(3).double()
    x = features(2, 3, 4, 5, mean=3, deviation=deviation, layout=layout).double()
    mean, scale = x.flatten(1).mean(1), x.flatten(1).std(1, unbiased=True) + 1e-5
    normalised = (x - mean.reshape(-1, 1, 1, 1)) / scale.reshape(-1, 1, 1, 1)
    assert torch.allclose(layer(x), normalised * layer.gamma[:, None, None], atol=1e-9)


def test_batch_norm_uses_its_running_statistics_in_evaluation():
    layer = make_norm("batch", 2).eval()
    layer.running_mean.copy_(torch.tensor([1.0, -1.0]))
    layer.running_var.copy_(torch.tensor([4.0, 9.0]))
    x = features(2, 2, 3, 3)
    expected = (x - torch.tensor([1.0, -1.0])[:, None, None]) / torch.tensor([2.0, 3.0])[:, None, None]
    assert torch.allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("instance", set()),
        ("instance_affine", {"weight", "bias"}),
        ("batch", {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}),
        ("none", set()),
    ],
)
def test_each_kind_has_the_keys_that_files_have_for_it(kind, keys):
    assert make_norm(kind, 4).state_dict().keys() == keys


def test_no_normalisation_changes_nothing():
    x = features(1, 2, 3, 3)
    assert torch.equal(make_norm("none", 2)(x), x)
