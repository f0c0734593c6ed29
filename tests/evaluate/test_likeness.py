import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate.evaluate.likeness import ContentDistance, StyleDistance, luma, ssim
from imgxlate.evaluate.trunks import bundled_vgg
from imgxlate.images.tensors import to_tensor
from imgxlate.vision import torchvision


@pytest.fixture(scope="module")
def vgg():
    return bundled_vgg(torch.device("cpu"))


def pictures(count, size=(48, 40)):
    return (torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1).split(1)


def test_ssim_is_that_of_torchmetrics_on_the_luminance_that_pillow_takes():
    torchvision()
    from torchmetrics.image import StructuralSimilarityIndexMeasure

    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (48, 40, 3), dtype=np.uint8)
    other = np.clip(one + rng.normal(0, 40, one.shape), 0, 255).astype(np.uint8)
    grey = [torch.from_numpy(np.array(Image.fromarray(rgb).convert("L")))[None, None].float() for rgb in (other, one)]
    reference = StructuralSimilarityIndexMeasure(data_range=255.0)(*grey)
    assert ssim(to_tensor(one), to_tensor(other)) == pytest.approx(float(reference), abs=1e-3)  # Pillow rounds.


def test_luma_runs_from_black_to_white():
    assert luma(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)).flatten().tolist() == pytest.approx(
        [0, 1]
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (10, 10), (11, 11), (300, 20)])
def test_ssim_takes_pictures_of_any_size(size):
    one, other = pictures(2, size)
    assert ssim(one, one) == pytest.approx(1.0)
    assert -1 <= ssim(one, other) < 1


def test_an_output_of_another_size_is_compared_at_the_inputs(vgg):
    one = torch.nn.functional.interpolate(pictures(1, (6, 5))[0], (48, 40), mode="bicubic").clamp(-1, 1)
    larger = torch.nn.functional.interpolate(one, (96, 80), mode="bilinear")
    other = pictures(1)[0]
    content = ContentDistance(vgg, one)
    assert ssim(one, larger) > 0.9 > ssim(one, other)
    assert content(larger) < content(other)


def test_the_content_distance_is_the_relative_squared_error_of_features(vgg):
    one, other = pictures(2)
    wanted, found = (vgg(picture, ("relu4_2",))["relu4_2"] for picture in (one, other))
    expected = ((found - wanted) ** 2).sum() / (wanted**2).sum()
    assert ContentDistance(vgg, one)(other) == pytest.approx(float(expected), rel=1e-5)
    assert ContentDistance(vgg, one)(one.clone()) == 0.0


def test_the_style_distance_is_the_mean_relative_squared_error_of_gram_matrices(vgg):
    one, other = pictures(2)
    layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    expected = []
    for wanted, found in zip(*(vgg(picture, layers).values() for picture in (one, other)), strict=True):
        wanted_gram, found_gram = (torch.einsum("bchw,bdhw->cd", maps, maps) for maps in (wanted, found))
        expected.append(float(((found_gram - wanted_gram) ** 2).sum() / (wanted_gram**2).sum()))
    assert StyleDistance(vgg, [one])(other) == pytest.approx(sum(expected) / len(layers), rel=1e-4)
    assert StyleDistance(vgg, [one])(one.clone()) == 0.0


def test_several_style_images_are_their_mean_gram_matrices(vgg):
    one, other = pictures(2)
    side_by_side = StyleDistance(vgg, [one, other])
    assert side_by_side(one) < StyleDistance(vgg, [other])(one)
    assert StyleDistance(vgg, [one, one])(other) == pytest.approx(StyleDistance(vgg, [one])(other), rel=1e-5)


def test_the_style_distance_does_not_depend_on_where_things_are(vgg):
    one = pictures(1)[0]
    assert StyleDistance(vgg, [one])(one.flip(-1)) < ContentDistance(vgg, one)(one.flip(-1))
