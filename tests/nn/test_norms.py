"""Normalization layers against torch's own in float64, where theirs lose digits, and their gradients."""

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from imgxlate.nn.norms import (
    AdaptiveInstanceNorm,
    InstanceNorm,
    LayerNorm,
    instance_norm,
    make_norm,
    set_norm_statistics,
)

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def features(*shape, mean=0.0, deviation=1.0, seed=0, layout=torch.contiguous_format):
    noise = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (noise * deviation + mean).contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mean", "deviation"), [(0, 1), (10, 0.1), (100, 0.1), (-50, 3)])
def test_instance_norm_is_precise_for_any_mean_and_memory_layout(layout, mean, deviation):
    x = features(2, 16, 32, 24, mean=mean, deviation=deviation, layout=layout)
    exact = functional.instance_norm(x.double())
    assert (instance_norm(x) - exact).abs().max() < 1e-4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_instance_norm_of_a_large_map_is_precise(layout):
    x = torch.relu(features(1, 4, 1200, 1500, layout=layout))
    for y in (instance_norm(x), instance_norm(torch.cat([x, x]))[1:]):
        assert (y - functional.instance_norm(x.double())).abs().max() < 1e-3


def test_instance_norm_of_a_large_map_scales_and_shifts():
    x, scale, shift = features(2, 3, 600, 600), features(2, 3, seed=1), features(2, 3, seed=2)
    y = instance_norm(x, scale, shift)
    assert torch.allclose(y.mean((2, 3)), shift, atol=1e-4)
    assert torch.allclose(y.std((2, 3)), scale.abs(), atol=1e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_constant_channel_becomes_zero(layout):
    x = torch.full((1, 4, 8, 8), 7.3).contiguous(memory_format=layout)
    assert instance_norm(x).abs().max() < 1e-2


def test_images_of_a_batch_do_not_affect_each_other():
    x = features(3, 4, 6, 6)
    x[1] *= 100
    for layer in (InstanceNorm(4, affine=True), LayerNorm(4)):
        singles = torch.cat([layer(image[None]) for image in x])
        assert torch.allclose(layer(x), singles, atol=1e-5)


def test_affine_instance_norm_scales_and_shifts_each_channel():
    layer = InstanceNorm(3, affine=True)
    layer.weight.data = torch.tensor([1.0, 2, 3])
    layer.bias.data = torch.tensor([0.5, 0, -1])
    x = features(2, 3, 5, 7)
    expected = functional.instance_norm(x.double(), weight=layer.weight.double(), bias=layer.bias.double())
    assert torch.allclose(layer(x).double(), expected, atol=1e-5)


def test_adaptive_parameters_are_the_shift_then_the_scale_of_each_image():
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
    normalized = (x - mean.reshape(-1, 1, 1, 1)) / scale.reshape(-1, 1, 1, 1)
    assert torch.allclose(layer(x), normalized * layer.gamma[:, None, None], atol=1e-9)


def test_batch_norm_uses_its_running_statistics_in_evaluation():
    layer = make_norm("batch", 2).eval()
    layer.running_mean.copy_(torch.tensor([1.0, -1.0]))
    layer.running_var.copy_(torch.tensor([4.0, 9.0]))
    x = features(2, 2, 3, 3)
    expected = (x - torch.tensor([1.0, -1.0])[:, None, None]) / torch.tensor([2.0, 3.0])[:, None, None]
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_batch_norm_may_use_the_statistics_of_each_image():
    network = nn.Sequential(make_norm("batch", 2), nn.ReLU()).eval()
    assert set_norm_statistics(network, "image")
    network[0].weight.data.copy_(torch.tensor([2.0, 3.0]))
    x = features(2, 2, 3, 3)
    expected = torch.cat([nn.functional.batch_norm(one[None], None, None, training=True) for one in x])
    assert torch.allclose(network(x), (expected * torch.tensor([2.0, 3.0])[:, None, None]).relu(), atol=1e-5)
    assert set_norm_statistics(network, "running")
    assert torch.allclose(network[0](x), x * torch.tensor([2.0, 3.0])[:, None, None], atol=1e-4)
    assert not set_norm_statistics(nn.ReLU(), "image")


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("instance", set()),
        ("instance_affine", {"weight", "bias"}),
        ("batch", {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}),
        ("none", set()),
    ],
)
def test_each_kind_has_the_state_dict_keys_of_the_originals(kind, keys):
    assert make_norm(kind, 4).state_dict().keys() == keys


def test_no_normalization_changes_nothing():
    x = features(1, 2, 3, 3)
    assert torch.equal(make_norm("none", 2)(x), x)


LAYERS = {
    "instance": InstanceNorm(3, affine=False),
    "instance_affine": InstanceNorm(3, affine=True),
    "adaptive": AdaptiveInstanceNorm(3),
    "layer": LayerNorm(3),
}


@pytest.fixture(params=[(kind, layout) for kind in LAYERS for layout in LAYOUTS])
def function_and_inputs(request):
    """A norm as a function of the features, of adaptive parameters if it takes some, and of its own parameters."""
    kind, layout = request.param
    layer = LAYERS[kind].double()
    x = features(2, 3, 2, 3, mean=3, layout=layout).double().requires_grad_()
    adain = [features(2, 2, 3, seed=1).double().requires_grad_()] if kind == "adaptive" else []
    names = [name for name, _ in layer.named_parameters()]

    def norm(*inputs):
        arguments, own = inputs[: 1 + len(adain)], inputs[1 + len(adain) :]
        return functional_call(layer, dict(zip(names, own, strict=True)), arguments)

    return norm, (x, *adain, *layer.parameters())


def test_gradients_are_those_of_the_formula(function_and_inputs):
    assert torch.autograd.gradcheck(*function_and_inputs)


def test_gradients_can_be_differentiated_again(function_and_inputs):
    assert torch.autograd.gradgradcheck(*function_and_inputs)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # the compiler's own
@pytest.mark.parametrize("kind", ["instance_affine", "layer"])
def test_gradients_of_compiled_norms_are_those_of_the_formula(kind):
    compiled = torch.compile(LAYERS[kind].double(), backend="aot_eager", dynamic=False)
    assert torch.autograd.gradcheck(compiled, features(2, 3, 2, 3, mean=3).double().requires_grad_())


@pytest.mark.parametrize("frozen", [("gamma",), ("beta",), ("gamma", "beta")])
def test_layer_norm_computes_only_the_gradients_that_are_needed(frozen):
    gradients = {}
    for names in ((), frozen):
        torch.manual_seed(0)
        layer, x = LayerNorm(3).double(), features(2, 3, 4, 5).double().requires_grad_()
        for name in names:
            getattr(layer, name).requires_grad_(False)
        (layer(x) ** 3).sum().backward()
        gradients[names] = {"x": x.grad, "gamma": layer.gamma.grad, "beta": layer.beta.grad}
    for name, gradient in gradients[frozen].items():
        assert gradient is None if name in frozen else torch.equal(gradient, gradients[()][name])


def test_an_image_of_one_color_has_finite_first_and_second_gradients():
    x = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    layer = LayerNorm(3)
    (gradient,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert all(tensor.isfinite().all() for tensor in (gradient, x.grad, layer.gamma.grad))
    x.grad = None
    layer(x).square().sum().backward()
    assert torch.allclose(x.grad, gradient)


@pytest.mark.parametrize("layer", [InstanceNorm(16, affine=False), LayerNorm(16)])
def test_a_result_is_the_same_with_and_without_gradients(layer):
    x = features(2, 16, 8, 8, mean=10, layout=torch.channels_last)
    assert torch.allclose(layer(x.clone().requires_grad_()), layer(x), atol=1e-5)


def test_statistics_of_bfloat16_are_not_rounded():
    x = features(1, 16, 32, 32, mean=30, deviation=2, layout=torch.channels_last).bfloat16()
    assert (instance_norm(x) - functional.instance_norm(x.double())).abs().max() < 0.02


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_gradient_of_an_instance_norm_does_not_depend_on_the_layout_in_which_it_arrives(layout):
    """On a CPU, that of torch 2.13's own instance norm does."""
    x = features(2, 16, 8, 8).contiguous(memory_format=layout).requires_grad_()
    arriving = features(2, 16, 8, 8, seed=1)
    norm = InstanceNorm(16, affine=False)
    found = [torch.autograd.grad(norm(x), x, arriving.contiguous(memory_format=other))[0] for other in LAYOUTS]
    [exact] = torch.autograd.grad(functional.group_norm(x.contiguous(), 16), x, arriving)
    assert all(torch.allclose(gradient, exact, atol=1e-5) for gradient in found)
