"""What stays in float32 when products are taken in bfloat16."""

import pytest
import torch

from imgxlate.nn.autoencoder import Decoder
from imgxlate.nn.norms import InstanceNorm, LayerNorm
from imgxlate.nn.precision import at_least_float32, without_autocast


@pytest.mark.parametrize(
    ("given", "found"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_precision_is_raised_to_float32_and_never_lowered(given, found):
    assert at_least_float32(torch.ones(1, dtype=given)).dtype == found


def test_products_within_the_block_are_as_precise_as_their_factors():
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
