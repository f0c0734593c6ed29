from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from imgxlate.images import color


@pytest.fixture
def photo() -> Tensor:
    return torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(1)) - 0.6


@pytest.fixture
def painting() -> Tensor:
    mixed = torch.randn(1, 3, 25, 16, generator=torch.Generator().manual_seed(2)) * 0.1
    return torch.einsum("ij,bjhw->bihw", torch.tensor([[1.0, 0.5, 0], [0, 1, 0.2], [0.3, 0, 1]]), mixed) + 0.2


def moments(image: Tensor) -> tuple[Tensor, Tensor]:
    colors = image[0].flatten(1)
    return colors.mean(dim=1), colors.cov()


def test_matched_colors_have_the_references_mean_and_covariance(painting: Tensor, photo: Tensor) -> None:
    calm = photo * 0.3  # so that nothing is clipped
    matched = color.match_colors(painting, calm)
    assert matched.shape == painting.shape
    for found, expected in zip(moments(matched), moments(calm), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-4)


def test_colors_that_match_already_stay(photo: Tensor) -> None:
    torch.testing.assert_close(color.match_colors(photo, photo), photo, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("level", [-1.0, 0.0, 1.0])
def test_images_of_one_color_can_be_matched(photo: Tensor, level: float) -> None:
    plain = torch.full((1, 3, 4, 4), level)
    assert color.match_colors(plain, photo).isfinite().all()
    assert color.match_colors(photo, plain).isfinite().all()
    assert color.match_luminance(color.luminance(plain), color.luminance(photo)).isfinite().all()


class OnlyTheCpuHasFloat64(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            assert not isinstance(tensor, Tensor) or tensor.dtype != torch.float64 or tensor.device.type == "cpu"
        return result


def test_colors_are_matched_on_a_device_without_float64() -> None:
    with FakeTensorMode(), OnlyTheCpuHasFloat64():  # A device that every build knows stands in for an Apple GPU.
        photo, painting = torch.empty(1, 3, 8, 9, device="lazy"), torch.empty(1, 3, 7, 5, device="lazy")
        matched = color.match_colors(painting, photo)
    assert (matched.device.type, matched.dtype, matched.shape) == ("lazy", torch.float32, (1, 3, 7, 5))


def test_luminance_weighs_green_most() -> None:
    image = torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1]).view(1, 3, 3, 1).transpose(1, 2)  # red, green, blue in a row
    assert color.luminance(image.reshape(1, 3, 1, 3))[0, 0, 0].tolist() == pytest.approx([0.299, 0.587, 0.114])


def test_restored_chroma_keeps_the_luminance_of_the_image_and_the_color_differences_of_the_content(
    photo: Tensor,
) -> None:
    image = photo.flip(3) * 0.5
    restored = color.restore_chroma(image, photo)
    torch.testing.assert_close(color.luminance(restored), color.luminance(image), rtol=0, atol=1e-6)
    torch.testing.assert_close(restored[:, 0] - restored[:, 2], photo[:, 0] - photo[:, 2], rtol=0, atol=1e-6)


def test_luminance_mode_makes_content_and_styles_gray_with_equal_contrast(painting: Tensor, photo: Tensor) -> None:
    content, (style,) = color.prepare("luminance", photo, [painting])
    for gray in (content, style):
        assert torch.equal(gray[:, 0], gray[:, 1])
        assert torch.equal(gray[:, 0], gray[:, 2])
    torch.testing.assert_close(style.mean(), content.mean(), rtol=0, atol=0.02)
    torch.testing.assert_close(style.std(), content.std(), rtol=0.05, atol=0.0)


def test_match_mode_changes_the_styles_only_and_off_changes_nothing(painting: Tensor, photo: Tensor) -> None:
    content, (style,) = color.prepare("match", photo, [painting])
    assert content is photo
    assert not torch.equal(style, painting)
    content, (style,) = color.prepare("off", photo, [painting])
    assert content is photo
    assert style is painting
