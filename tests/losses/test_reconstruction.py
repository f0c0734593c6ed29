import torch

from imgxlate.losses.reconstruction import absolute_error, squared_error_sum


def test_absolute_errors_are_averaged() -> None:
    assert absolute_error(torch.tensor([[1.0, 4.0]]), torch.tensor([[3.0, 0.0]])).item() == 3.0


def test_squared_errors_are_summed() -> None:
    assert squared_error_sum(torch.tensor([1.0, 4.0]), torch.tensor([3.0, 1.0])).item() == 13.0


def test_bfloat16_features_are_compared_in_float32() -> None:
    features = torch.full((1000,), 1.0, dtype=torch.bfloat16)
    assert squared_error_sum(features, torch.zeros(1000)).item() == 1000.0
