"""The convolution of all networks, and where it may take fewer products."""

import threading

import pytest
import torch
from torch import nn
from torch.nn import functional

from imgxlate.nn import algorithms, winograd
from imgxlate.nn.convolution import Conv2d, convolve, set_compute_dtype
from imgxlate.nn.precision import each_fast, fast_arithmetic


def image(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def always(monkeypatch):
    """Let every choice be the given algorithm, and list the operations that were chosen for."""

    def force(algorithm):
        asked = []

        def find(operation, layer):
            asked.append(operation)
            return algorithm

        monkeypatch.setattr(algorithms.choices, "find", find)
        return asked

    return force


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_in_bfloat16_maps_float32_to_float32_and_keeps_its_weights(bias):
    layer = Conv2d(3, 8, 3, bias=bias)
    weights = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    x = image(1, 3, 8, 8)
    exact = layer(x)
    set_compute_dtype(layer, torch.bfloat16)
    rounded = layer(x)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.05
    assert all(torch.equal(tensor, weights[name]) for name, tensor in layer.state_dict().items())
    set_compute_dtype(layer, torch.float32)
    assert torch.equal(layer(x), exact)


def test_a_convolution_equals_that_of_torch():
    layer = Conv2d(3, 5, 3, stride=2, padding=1)
    x = image(2, 3, 9, 7)
    assert torch.equal(layer(x), nn.Conv2d.forward(layer, x))


def parameters():
    x, weight, bias = image(2, 24, 13, 14), image(20, 24, 3, 3) / 15, image(20)
    return [each.requires_grad_() for each in (x, weight, bias)]


def test_outside_the_block_a_convolution_is_direct_to_the_bit(always):
    asked = always("winograd")
    x, weight, bias = parameters()
    assert torch.equal(convolve(x, weight, bias, 1, 1), functional.conv2d(x, weight, bias, 1, 1))
    with fast_arithmetic(False):
        assert torch.equal(convolve(x, weight, bias), functional.conv2d(x, weight, bias))
    assert not asked


@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
def test_within_the_block_output_and_gradients_agree_with_float64(always, algorithm):
    asked = always(algorithm)
    inputs = parameters()
    with fast_arithmetic():
        y = convolve(*inputs, 1, 1)
    gradients = torch.autograd.grad(y.square().sum(), inputs)  # outside of the block
    doubles = [each.detach().double().requires_grad_() for each in inputs]
    exact = functional.conv2d(*doubles, 1, 1)
    exact_gradients = torch.autograd.grad(exact.square().sum(), doubles)
    assert asked == ["output", "input gradient", "weight gradient"]
    for found, expected in zip((y, *gradients), (exact, *exact_gradients), strict=True):
        assert (found - expected).abs().max() < 1e-4 * expected.std()


def test_the_output_may_be_changed_in_place(always):
    always("winograd")
    x, weight, bias = parameters()
    found = []
    for fast in (False, True):
        with fast_arithmetic(fast):
            y = functional.leaky_relu(convolve(x, weight, bias), 0.2, inplace=True)
        found.append(torch.autograd.grad(y.square().sum(), weight)[0])
    assert (found[0] - found[1]).abs().max() < 1e-4 * found[0].std()


def test_the_algorithms_differ(always):
    x, weight, bias = parameters()
    always("winograd")
    with fast_arithmetic():
        assert not torch.equal(convolve(x, weight, bias), functional.conv2d(x, weight, bias))


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_only_the_gradients_that_are_asked_for_are_chosen_and_computed(always, wanted):
    asked = always("winograd")
    inputs = [each.detach() for each in parameters()]
    inputs[wanted].requires_grad_()
    with fast_arithmetic():
        convolve(*inputs).sum().backward()
    assert asked[1:] == [["input gradient"], ["weight gradient"], []][wanted]
    assert [each.grad is not None for each in inputs] == [index == wanted for index in range(3)]


def test_a_gradient_of_a_gradient_agrees_with_torch(always):
    always("winograd")
    x, weight, bias = parameters()

    def penalty():
        [gradient] = torch.autograd.grad(convolve(x, weight, bias).square().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), weight)[0]

    exact = penalty()
    with fast_arithmetic():
        found = penalty()
    assert (found - exact).abs().max() < 1e-4 * exact.std()


@pytest.mark.parametrize(
    ("change", "size"),
    [
        (lambda x: x.double(), (3, 3)),
        (lambda x: x.bfloat16(), (3, 3)),
        (lambda x: x, (5, 5)),  # four taps and more lose too many digits
        (lambda x: x, (3, 2)),
    ],
)
def test_what_has_no_other_algorithm_stays_direct(always, change, size):
    asked = always("winograd")
    x, weight = change(image(1, 4, 9, 9)), change(image(4, 4, *size))
    with fast_arithmetic():
        assert torch.equal(convolve(x, weight), functional.conv2d(x, weight))
    assert not asked


def test_autocast_stays_direct(always):
    asked = always("winograd")
    x, weight, _ = parameters()
    with fast_arithmetic(), torch.autocast("cpu", torch.bfloat16):
        assert convolve(x, weight).dtype == torch.bfloat16
    assert not asked


def test_an_image_smaller_than_the_kernel_is_the_same_error_as_outside(always):
    always("winograd")
    with fast_arithmetic(), pytest.raises(RuntimeError, match=r"[Kk]ernel size"):
        convolve(image(1, 4, 2, 9), image(4, 4, 3, 3))


def test_inference_mode_and_training_share_the_buffers(always, monkeypatch):
    always("winograd")
    monkeypatch.setattr(winograd, "_buffers", winograd._Buffers())
    inputs = parameters()
    with fast_arithmetic():
        with torch.inference_mode():
            first = convolve(*inputs)
        y = convolve(*inputs)
    y.sum().backward()
    assert torch.equal(first, y)


def test_threads_compute_at_once(always):
    always("winograd")
    inputs = [image(1, 32, 40 + index, 40) for index in range(4)]
    weight = image(32, 32, 3, 3)
    found = {}

    def work(index):
        with fast_arithmetic():
            found[index] = [convolve(inputs[index], weight) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, x in enumerate(inputs):
        expected = winograd.convolve(x, weight, None, winograd.Geometry(3))
        assert all(torch.equal(each, expected) for each in found[index])


def test_the_block_holds_for_each_item_and_not_for_its_consumer(always):
    asked = always("winograd")
    x, weight, _ = parameters()

    def items():
        yield convolve(x, weight)
        yield convolve(x, weight)

    for _ in each_fast(items()):
        before = len(asked)
        convolve(x, weight)
        assert len(asked) == before
    assert len(asked) == 2
    assert list(each_fast([1, 2], allowed=False)) == [1, 2]
