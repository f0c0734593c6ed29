"""The moving average of weights."""

import pytest
import torch

from imgxlate.errors import CheckpointError
from imgxlate.training.averaging import Average


@pytest.fixture
def weights():
    def draw(seed, dtype=torch.float32):
        generator = torch.Generator().manual_seed(seed)
        return {
            "a.weight": torch.randn(3, 4, generator=generator, dtype=dtype),
            "a.num_batches_tracked": torch.tensor(seed),
            "b.weight": torch.randn(5, generator=generator, dtype=dtype),
        }

    return draw


def test_the_average_starts_as_a_copy_of_the_weights(weights):
    live = weights(0)
    average = Average(live, 0.9)
    live["a.weight"].zero_()
    assert torch.equal(average.state()["a.weight"], weights(0)["a.weight"])


def test_the_average_follows_the_formula_of_its_decay(weights):
    history = [weights(seed, torch.float64) for seed in range(40)]
    average, expected = Average(history[0], 0.7), history[0]["b.weight"].clone()
    for step, live in enumerate(history[1:]):
        average.update(live, step)
        decay = min(0.7, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * live["b.weight"]
    assert torch.allclose(average.state()["b.weight"], expected, rtol=0, atol=1e-12)


def test_the_decay_is_smaller_at_the_start():
    early, late = (Average({"x": torch.zeros(1)}, 0.999) for _ in range(2))
    early.update({"x": torch.ones(1)}, 0)
    late.update({"x": torch.ones(1)}, 10**6)
    assert early.state()["x"].item() == pytest.approx(0.9)
    assert late.state()["x"].item() == pytest.approx(0.001)


def test_integers_are_copied(weights):
    average = Average(weights(1), 0.9)
    average.update(weights(7), 0)
    assert average.state()["a.num_batches_tracked"].item() == 7


def test_the_average_of_parameters_needs_no_gradient():
    average = Average({"x": torch.tensor([1.0])}, 0.5)
    average.update({"x": torch.tensor([3.0], requires_grad=True)}, 100)
    assert average.state()["x"].tolist() == [2.0]
    assert not average.state()["x"].requires_grad


def test_an_average_restored_from_its_state_continues_bit_for_bit(weights):
    straight, first = Average(weights(0), 0.99), Average(weights(0), 0.99)
    for step in range(3):
        straight.update(weights(step), step)
        first.update(weights(step), step)
    second = Average(weights(5), 0.99)
    second.load_state(first.state())
    for step in range(3, 6):
        straight.update(weights(step), step)
        second.update(weights(step), step)
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in straight.state().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("b.weight"), "b.weight is missing, not (5,)"),
        (lambda state: state.update({"c": torch.ones(2)}), "c is (2,), not missing"),
        (lambda state: state.update({"b.weight": torch.ones(6)}), "b.weight is (6,), not (5,)"),
    ],
)
def test_a_state_that_does_not_fit_is_an_error_that_names_the_tensor(weights, change, message):
    average, state = Average(weights(0), 0.9), weights(1)
    change(state)
    with pytest.raises(CheckpointError) as caught:
        average.load_state(state)
    assert message in str(caught.value)
    assert torch.equal(average.state()["a.weight"], weights(0)["a.weight"])
