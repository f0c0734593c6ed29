"""The sums of neural style's loss."""

import pytest
import torch

from imgxlate.losses import Variation
from imgxlate.losses.style import excess, gram_sum, mix, squared_error_sum, total_variation
from imgxlate.nn.precision import fast_arithmetic


def test_a_gram_sum_has_the_products_of_each_pair_of_maps() -> None:
    features = torch.tensor([[[1.0, 2.0]], [[3.0, -1.0]]]).unsqueeze(0)  # (1, 2, 1, 2)
    assert gram_sum(features).tolist() == [[5.0, 1.0], [1.0, 10.0]]


def test_the_fast_gradient_of_a_gram_sum_is_that_of_torch() -> None:
    features = torch.randn(1, 5, 7, 9, dtype=torch.float32, requires_grad=True)
    weights = torch.randn(5, 5)
    found = []
    for allowed in (False, True):
        with fast_arithmetic(allowed):
            gram = gram_sum(features)
        found.append(torch.autograd.grad((gram * weights).sum(), features)[0])
    assert torch.allclose(*found, rtol=1e-5, atol=1e-5)


def test_gram_sums_add_up_over_the_parts_of_an_image() -> None:
    features = torch.randn(1, 5, 8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).float()
    parts = gram_sum(features[..., :2]) + gram_sum(features[..., 2:])
    torch.testing.assert_close(parts, gram_sum(features))


def test_gram_sums_do_not_depend_on_the_memory_layout() -> None:
    features = torch.randn(1, 5, 8, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gram_sum(features.contiguous(memory_format=torch.channels_last)), gram_sum(features))


def test_gram_sums_of_bfloat16_features_are_summed_in_float32() -> None:
    features = torch.ones(1, 1, 40, 40, dtype=torch.bfloat16)
    assert gram_sum(features).item() == 1600.0  # bfloat16 has 8 bits: it would round to 1600 or stop at 256


def test_mixed_grams_are_weighted() -> None:
    assert mix([torch.ones(1, 1), torch.full((1, 1), 5.0)], [0.25, 0.75]).item() == 4.0


def test_squared_errors_are_summed() -> None:
    assert squared_error_sum(torch.tensor([1.0, 4.0]), torch.tensor([3.0, 1.0])).item() == 13.0


def test_bfloat16_features_are_compared_in_float32() -> None:
    features = torch.full((1000,), 1.0, dtype=torch.bfloat16)
    assert squared_error_sum(features, torch.zeros(1000)).item() == 1000.0


@pytest.mark.parametrize(("kind", "expected"), [("absolute", 1 + 2 + 3 + 4.0), ("squared", 1 + 4 + 9 + 16.0)])
def test_variation_sums_the_differences_to_the_right_and_below(kind: Variation, expected: float) -> None:
    image = torch.tensor([[0.0, 1.0], [3.0, 5.0]]).view(1, 1, 2, 2)  # right: 1, 2; below: 3, 4
    assert total_variation(image, kind).item() == expected


def test_the_variation_of_a_uniform_image_is_0() -> None:
    assert total_variation(torch.ones(1, 3, 4, 4), "squared").item() == 0.0


def test_only_values_out_of_range_count() -> None:
    image = torch.tensor([-1.5, -1.0, 0.0, 1.0, 3.0]).view(1, 1, 1, 5)
    assert excess(image).item() == pytest.approx(0.25 + 4.0)
