import pytest
import torch

from imgxlate.losses.range import excess


def test_only_what_is_out_of_range_counts() -> None:
    image = torch.tensor([-1.5, -1.0, 0.0, 1.0, 3.0]).view(1, 1, 1, 5)
    assert excess(image).item() == pytest.approx(0.25 + 4.0)
