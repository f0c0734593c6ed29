import pytest
import torch

from imgxlate.losses.variation import Variation, total_variation


@pytest.mark.parametrize(("kind", "expected"), [("absolute", 1 + 2 + 3 + 4.0), ("squared", 1 + 4 + 9 + 16.0)])
def test_variation_sums_the_differences_to_the_right_and_below(kind: Variation, expected: float) -> None:
    image = torch.tensor([[0.0, 1.0], [3.0, 5.0]]).view(1, 1, 2, 2)  # right: 1, 2; below: 3, 4
    assert total_variation(image, kind).item() == expected


def test_a_plain_image_does_not_vary() -> None:
    assert total_variation(torch.ones(1, 3, 4, 4), "squared").item() == 0.0
