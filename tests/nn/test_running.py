"""Networks on batches, in float32 or with products in bfloat16."""

import pytest
import torch

from imgxlate.nn.running import run, run_together


def product(x, y):
    return x @ y


@pytest.fixture
def parts():
    """The inputs of two calls, of two and three pictures."""
    generator = torch.Generator().manual_seed(0)
    return [tuple(torch.rand(size, 4, 4, generator=generator) for _ in "xy") for size in (2, 3)]


def test_parts_that_go_through_together_come_out_as_alone(parts):
    calls = []

    def counted(*inputs):
        calls.append(inputs)
        return product(*inputs)

    together = run_together(counted, *parts, lowered=False)
    assert len(calls) == 1
    for made, (x, y) in zip(together, parts, strict=True):
        assert torch.equal(made, x @ y)


def test_lowered_products_are_rounded_and_results_are_in_float32(parts):
    x, y = parts[0]
    made = run(product, x, y, lowered=True)
    assert torch.equal(made, (x.bfloat16() @ y.bfloat16()).float())
    assert made.dtype == torch.float32


def test_float64_stays_float64(parts):
    x, y = (tensor.double() for tensor in parts[0])
    assert run(product, x, y, lowered=False).dtype == torch.float64
