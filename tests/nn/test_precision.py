"""Products in bfloat16, and everything that stays in float32."""

import pytest
import torch

from imgxlate.nn.autoencoder import Decoder
from imgxlate.nn.norms import InstanceNorm, LayerNorm
from imgxlate.nn.precision import MixedPrecision, at_least_float32, without_autocast


@pytest.mark.parametrize(
    ("given", "found"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_precision_is_raised_to_float32_and_never_lowered(given, found):
    assert at_least_float32(torch.ones(1, dtype=given)).dtype == found


def test_without_autocast_products_keep_the_precision_of_their_factors():
    x = torch.rand(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16
        with without_autocast(x.device):
            assert (x @ x).dtype == torch.float32


@pytest.mark.parametrize("norm", [InstanceNorm(2, affine=False), LayerNorm(2)])
def test_norms_compute_in_float32(norm):
    x = torch.rand(1, 2, 4, 4).bfloat16()
    assert torch.allclose(norm(x).float(), norm(x.float()), rtol=2**-8, atol=1e-5)


def test_a_decoder_under_autocast_is_near_one_in_float32():
    decoder = Decoder(4, n_upsample=1, n_res=1, norm="instance", activ="relu", pad_type="reflect")
    code = torch.rand(1, 8, 6, 6)
    with torch.no_grad():
        exact = decoder(code)
        with torch.autocast("cpu", torch.bfloat16):
            near = decoder(code)
    assert near.dtype == torch.bfloat16
    assert 0 < (near - exact).abs().max() < 0.05


def product(x, y):
    return x @ y


@pytest.fixture
def calls():
    """The inputs of two calls, of two and three images."""
    generator = torch.Generator().manual_seed(0)
    return [tuple(torch.rand(size, 4, 4, generator=generator) for _ in "xy") for size in (2, 3)]


def test_calls_that_run_together_give_the_outputs_of_single_calls(calls):
    inputs = []

    def recorded(*tensors):
        inputs.append(tensors)
        return product(*tensors)

    together = MixedPrecision().run_together(recorded, *calls)
    assert len(inputs) == 1
    for output, (x, y) in zip(together, calls, strict=True):
        assert torch.equal(output, x @ y)


def test_bf16_rounds_products_and_gives_float32(calls):
    x, y = calls[0]
    output = MixedPrecision(bf16=True).run(product, x, y)
    assert torch.equal(output, (x.bfloat16() @ y.bfloat16()).float())
    assert output.dtype == torch.float32


def test_bf16_scores_are_float32_at_every_scale(calls):
    x, _ = calls[0]
    scores = MixedPrecision(bf16=True).score(lambda images: [images @ images, images[:, ::2] @ images], x)
    assert [score.dtype for score in scores] == [torch.float32] * 2
    assert torch.equal(scores[0], (x.bfloat16() @ x.bfloat16()).float())


def test_float64_stays_float64(calls):
    x, y = (tensor.double() for tensor in calls[0])
    assert MixedPrecision().run(product, x, y).dtype == torch.float64
