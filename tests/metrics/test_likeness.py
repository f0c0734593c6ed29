"""Likeness of outputs to their input and to style images."""

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate.images.image_array import ImageArray
from imgxlate.images.tensors import to_tensor
from imgxlate.metrics.feature_networks import bundled_vgg
from imgxlate.metrics.likeness import content_features, luma, relative_error, ssim, style_distance, style_grams
from imgxlate.vision import torchvision


@pytest.fixture(scope="module")
def vgg():
    return bundled_vgg(torch.device("cpu"))


def images(count, size=(48, 40)):
    pixels = np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    return [ImageArray(each) for each in pixels]


def enlarged(image, size):
    return ImageArray(np.asarray(Image.fromarray(image.rgb).resize(size[::-1], Image.Resampling.BICUBIC)))


def content_distance(vgg, source, output):
    return relative_error(*(content_features(vgg, image, source.size) for image in (output, source)))


def test_ssim_equals_torchmetrics_on_the_luminance_of_pillow():
    torchvision()
    from torchmetrics.image import StructuralSimilarityIndexMeasure

    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (48, 40, 3), dtype=np.uint8)
    other = np.clip(one + rng.normal(0, 40, one.shape), 0, 255).astype(np.uint8)
    gray = [torch.from_numpy(np.array(Image.fromarray(rgb).convert("L")))[None, None].float() for rgb in (other, one)]
    reference = StructuralSimilarityIndexMeasure(data_range=255.0)(*gray)
    assert ssim(ImageArray(one), ImageArray(other)) == pytest.approx(float(reference), abs=1e-3)  # Pillow rounds.


def test_luma_runs_from_black_to_white():
    assert luma(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)).flatten().tolist() == pytest.approx(
        [0, 1]
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (10, 10), (11, 11), (300, 20)])
def test_ssim_works_for_images_of_any_size(size):
    one, other = images(2, size)
    assert ssim(one, one) == pytest.approx(1.0)
    assert -1 <= ssim(one, other) < 1


def test_an_output_of_another_size_is_compared_at_the_input_size(vgg):
    one = enlarged(images(1, (6, 5))[0], (48, 40))
    larger, other = enlarged(one, (96, 80)), images(1)[0]
    assert ssim(one, larger) > 0.9 > ssim(one, other)
    assert content_distance(vgg, one, larger) < content_distance(vgg, one, other)


def test_the_content_distance_is_the_relative_squared_error_of_features(vgg):
    one, other = images(2)
    wanted, found = (vgg(to_tensor(image.rgb), ("relu4_2",))["relu4_2"] for image in (one, other))
    expected = ((found - wanted) ** 2).sum() / (wanted**2).sum()
    assert content_distance(vgg, one, other) == pytest.approx(float(expected), rel=1e-5)
    assert content_distance(vgg, one, one) == 0.0


def test_the_style_distance_is_the_mean_relative_squared_error_of_gram_matrices(vgg):
    one, other = images(2)
    layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    expected = []
    features = (vgg(to_tensor(image.rgb), layers).values() for image in (one, other))
    for wanted, found in zip(*features, strict=True):
        wanted_gram, found_gram = (torch.einsum("bchw,bdhw->cd", maps, maps) for maps in (wanted, found))
        expected.append(float(((found_gram - wanted_gram) ** 2).sum() / (wanted_gram**2).sum()))
    distance = style_distance(style_grams(vgg, [other]), style_grams(vgg, [one]))
    assert distance == pytest.approx(sum(expected) / len(layers), rel=1e-4)
    assert style_distance(style_grams(vgg, [one]), style_grams(vgg, [one])) == 0.0


def test_several_style_images_have_the_mean_of_their_gram_matrices(vgg):
    one, other = images(2)
    first, second, both, twice = (style_grams(vgg, given) for given in ([one], [other], [one, other], [one, one]))
    for layer, gram in both.items():
        torch.testing.assert_close(gram, (first[layer] + second[layer]) / 2)
    assert style_distance(second, twice) == pytest.approx(style_distance(second, first), rel=1e-5)


def test_the_style_distance_does_not_depend_on_positions(vgg):
    one = images(1)[0]
    flipped = ImageArray(np.ascontiguousarray(one.rgb[:, ::-1]))
    style = style_distance(style_grams(vgg, [flipped]), style_grams(vgg, [one]))
    assert style < content_distance(vgg, one, flipped)
