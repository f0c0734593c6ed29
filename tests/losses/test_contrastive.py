"""The contrastive loss of CUT against its formula, and against the original's form of it."""

import math

import pytest
import torch
from torch.nn import functional

from imgxlate.losses.contrastive import patch_nce, unit_vectors


def vectors(*shape, seed):
    return unit_vectors(torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_it_is_the_cross_entropy_of_finding_the_key_of_the_same_position_of_the_same_image(temperature):
    queries, keys = vectors(2, 5, 3, seed=0), vectors(2, 5, 3, seed=1)
    terms = []
    for image in range(2):
        for i in range(5):
            products = [math.exp(queries[image, i] @ keys[image, j] / temperature) for j in range(5)]
            terms.append(-math.log(products[i] / sum(products)))
    assert patch_nce(queries, keys, temperature).item() == pytest.approx(sum(terms) / len(terms))


def test_it_equals_the_originals_form_with_minus_ten_on_the_diagonal():
    queries, keys = vectors(1, 32, 16, seed=0), vectors(1, 32, 16, seed=1)
    positive = (queries * keys).sum(2).T
    negative = (queries @ keys.mT)[0].masked_fill(torch.eye(32, dtype=torch.bool), -10)
    logits = torch.cat([positive, negative], 1) / 0.07
    original = functional.cross_entropy(logits, torch.zeros(32, dtype=torch.long))
    assert patch_nce(queries, keys, 0.07).item() == pytest.approx(original.item(), rel=1e-14)


def test_it_is_near_zero_if_each_query_is_its_key_and_large_if_it_is_another():
    keys = torch.eye(8)[None]
    assert patch_nce(keys, keys, 0.07) < 1e-4
    assert patch_nce(keys.roll(1, 1), keys, 0.07) > 10


def test_unit_vectors_have_length_one_and_zero_stays_finite():
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    y = unit_vectors(x)
    assert torch.allclose(y, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
    y.sum().backward()
    assert torch.isfinite(x.grad).all()
