"""`imgxlate.Region`: masks, label maps and style images of every kind that Python callers have."""

import numpy as np
import pytest
from PIL import Image

import imgxlate
from imgxlate.errors import ImageError, UsageError
from imgxlate.images.limits import DEFAULT
from imgxlate.inference.regions import Region, styled_regions

SETTINGS = {"iterations": 2, "content_layers": ("relu1_1",), "style_layers": ("relu1_1",)}


@pytest.fixture
def half():
    """A mask whose right half is white."""
    return np.repeat(np.arange(64) > 31, 48).reshape(64, 48).T.astype(np.uint8) * 255


@pytest.fixture
def transfer():
    return imgxlate.load_style_transfer(size=48, settings=SETTINGS)


def test_a_mask_is_a_file_an_image_an_array_or_a_color_of_a_label_map(transfer, photo, half, tmp_path):
    Image.fromarray(half).save(tmp_path / "half.png")
    Image.fromarray(np.where(half[:, :, None], (0, 128, 0), (9, 9, 9)).astype(np.uint8)).save(tmp_path / "labels.png")
    content, style = photo("content.png", seed=1), photo("style.png", seed=2)
    masks = (half, Image.fromarray(half), tmp_path / "half.png", f"{tmp_path}/labels.png#green")
    images = [np.asarray(transfer.stylize(content, regions=[Region(mask, style)])) for mask in masks]
    assert all(np.array_equal(image, images[0]) for image in images[1:])


def test_stylize_paints_regions_and_the_rest(photo, half):
    content, style, other = (photo(f"{seed}.png", seed=seed) for seed in range(3))
    region = Region(half, other, style_mask=half)
    images = [
        np.asarray(imgxlate.stylize(content, styles, regions=regions, size=48, settings=SETTINGS))
        for styles, regions in ((style, []), (style, [region]), ([], [region]))
    ]
    assert len({image.tobytes() for image in images}) == 3


def test_an_image_needs_a_style_or_a_region(transfer, photo):
    with pytest.raises(UsageError, match="there is no style image"):
        transfer.stylize(photo())


def test_masks_are_weights_from_0_to_1_of_the_size_of_their_images(half):
    style = np.zeros((30, 30, 3), np.uint8)
    [region] = styled_regions([Region(half // 5 * 4, style, np.full((60, 60), 51, np.uint8))], (24, 32), DEFAULT, 8)
    assert region.mask.shape == (1, 1, 24, 32)
    assert (region.mask.min().item(), region.mask.max().item()) == (0, pytest.approx(0.8))
    assert region.style.shape == (1, 3, 30, 30)
    assert region.style_mask is not None
    assert region.style_mask.flatten().tolist() == pytest.approx([0.2] * 900)


def test_errors_name_the_file_of_a_mask_or_the_number_of_its_region(half, tmp_path):
    style, black = np.zeros((30, 30, 3), np.uint8), np.zeros((48, 64), np.uint8)
    with pytest.raises(ImageError, match="the mask of region 2 is black, so it marks nothing"):
        styled_regions([Region(half, style), Region(black, style)], (48, 64), DEFAULT, 8)
    Image.fromarray(black).save(tmp_path / "black.png")
    with pytest.raises(ImageError, match=r"black\.png: the mask of region 1 is black"):
        styled_regions([Region(tmp_path / "black.png", style)], (48, 64), DEFAULT, 8)
    with pytest.raises(ImageError, match="the style mask of region 1: the mask and the image have other proportions"):
        styled_regions([Region(half, style, half)], (48, 64), DEFAULT, 8)
