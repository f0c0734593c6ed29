import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from imgxlate.data.config import DataConfig
from imgxlate.data.crops import is_flat
from imgxlate.data.dataset import DomainDataset
from imgxlate.errors import ImageError

SMALL = {"new_size": 20, "crop_height": 16, "crop_width": 12}


@pytest.fixture
def domain():
    """The data set of a folder's images."""

    def build(folder, index=0, seed=0, **options):
        return DomainDataset(index, folder, sorted(folder.iterdir()), DataConfig(**SMALL | options), seed)

    return build


def draws(domain, steps, batch_size=2):
    return [domain.draw(step, range(batch_size), batch_size) for step in range(steps)]


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path, **options)
    return path.parent


def exactly(size):
    """A configuration that leaves images of this size unchanged."""
    return {"resize": "none", "crop_height": size[0], "crop_width": size[1], "flip": False}


@pytest.mark.parametrize("resize", ["shorter", "square", "width", "none"])
def test_a_batch_has_an_image_of_the_configured_size_for_each_position(images, domain, resize):
    drawn = domain(images("x", 5), resize=resize).draw(7, range(1, 4), 6)
    assert drawn.pixels.shape == (3, 16, 12, 3)
    assert drawn.pixels.dtype == np.uint8
    assert len(drawn.files) == 3
    assert drawn.rejected == ()


def test_each_image_is_shown_once_an_epoch(images, domain):
    folder = images("x", 6)
    files = [file for drawn in draws(domain(folder), steps=6) for file in drawn.files]
    assert set(files[:6]) == set(files[6:]) == set(folder.iterdir())
    assert files[:6] != files[6:]


def test_a_folder_smaller_than_the_batch_works(images, domain):
    (drawn,) = draws(domain(images("x", 2)), steps=1, batch_size=5)
    assert len(drawn.pixels) == 5
    assert len(set(drawn.files)) == 2


def test_an_image_depends_only_on_seed_step_position_and_domain(images, domain):
    folder = images("x", 1)
    whole = domain(folder).draw(3, range(4), 4).pixels
    part = domain(folder).draw(3, range(2, 4), 4).pixels
    np.testing.assert_array_equal(whole[2:], part)
    others = [
        domain(folder).draw(4, range(4), 4),
        domain(folder, seed=1).draw(3, range(4), 4),
        domain(folder, index=1).draw(3, range(4), 4),
    ]
    assert all((other.pixels != whole).any() for other in others)


def test_unusable_files_are_reported_with_a_reason_and_replaced(images, add_unusable, domain):
    folder = images("x", 3)
    good = set(folder.iterdir())
    flawed = add_unusable(folder)
    drawn = draws(domain(folder), steps=12)
    assert {file for batch in drawn for file in batch.files} == good
    reasons = {file.path: file.reason for batch in drawn for file in batch.rejected}
    assert set(reasons) == flawed
    assert reasons[folder / "empty.png"] == "the file is empty"
    assert reasons[folder / "white.png"] == "the whole image has one color"


def test_flat_parts_of_good_images_are_drawn_again(domain, tmp_path):
    pixels = np.full((16, 400, 3), 255, np.uint8)
    pixels[:, :30] = np.random.default_rng(0).integers(0, 256, (16, 30, 3))
    drawn = draws(domain(save(tmp_path / "x" / "mostly white.png", pixels), resize="none"), steps=20)
    assert not any(is_flat(crop) for batch in drawn for crop in batch.pixels)
    assert not any(batch.rejected for batch in drawn)


def test_an_image_whose_crops_are_all_flat_is_replaced_and_not_reported(images, domain):
    folder = images("x", 1)
    ramp = np.linspace(0, 255, 5000).astype(np.uint8)[None, :, None].repeat(16, 0).repeat(3, 2)
    save(folder / "ramp.png", ramp)
    for drawn in draws(domain(folder, resize="none"), steps=5):
        assert drawn.files == (folder / "00.png",) * 2
        assert drawn.rejected == ()


@pytest.mark.parametrize("count", [1, 3])
def test_a_folder_of_flat_images_is_an_error_with_the_reason(domain, tmp_path, count):
    for index in range(count):
        save(tmp_path / "x" / f"{index}.png", np.full((30, 30, 3), 60 * index, np.uint8))
    with pytest.raises(ImageError, match=r"x: no image can be used \(\d.png: the whole image has one color"):
        domain(tmp_path / "x").draw(0, range(1), 1)


def test_a_folder_whose_crops_all_have_one_color_is_an_error_with_the_reason(domain, tmp_path):
    ramp = np.linspace(0, 255, 3000).astype(np.uint8)[None, :, None].repeat(16, 0).repeat(3, 2)
    folder = save(tmp_path / "x" / "ramp.png", ramp)
    with pytest.raises(ImageError, match="every crop has one color"):
        domain(folder, resize="none").draw(0, range(1), 1)


def test_a_folder_of_damaged_files_is_an_error_with_examples(domain, tmp_path):
    (tmp_path / "x").mkdir()
    for index in range(5):
        (tmp_path / "x" / f"{index}.png").write_bytes(b"no image")
    with pytest.raises(ImageError) as error:
        domain(tmp_path / "x").draw(0, range(1), 1)
    assert error.value.path == tmp_path / "x"
    assert error.value.reason.count(".png: ") == 3
    assert error.value.hint


def test_gray_and_16_bit_images_give_three_equal_channels(domain, tmp_path):
    gray = np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)
    save(tmp_path / "x" / "gray.png", gray)
    save(tmp_path / "x" / "deep.png", gray.astype(np.uint16) * 257)
    (drawn,) = draws(domain(tmp_path / "x", **exactly((9, 7))), steps=1)
    np.testing.assert_array_equal(drawn.pixels, np.stack([gray] * 3, axis=-1)[None].repeat(2, 0))


def test_images_with_transparency_are_laid_on_white(domain, tmp_path):
    rgba = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    (drawn,) = draws(domain(save(tmp_path / "x" / "a.png", rgba), **exactly((9, 7))), steps=1)
    opacity = rgba[..., 3:] / 255
    np.testing.assert_array_equal(drawn.pixels[0], np.rint(rgba[..., :3] * opacity + 255 * (1 - opacity)))


def test_images_are_turned_upright(domain, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = save(tmp_path / "x" / "a.png", pixels, exif=exif)
    (drawn,) = draws(domain(folder, **exactly((7, 9))), steps=1)
    np.testing.assert_array_equal(drawn.pixels[0], np.rot90(pixels, -1))


@pytest.mark.parametrize(("times", "difference"), [(3.9, 0), (4, 3), (16, 3)])
def test_a_photo_four_times_too_large_gives_almost_the_same_crop(domain, tmp_path, times, difference):
    """A JPEG is decoded at a reduced size only if it is so large that this hardly matters."""
    side = round(times * SMALL["new_size"])
    pixels = np.random.default_rng(0).integers(40, 216, (5, 7, 3), dtype=np.uint8)
    photo = Image.fromarray(pixels).resize((round(1.3 * side), side), Image.Resampling.BICUBIC)
    save(tmp_path / "x" / "a.jpg", photo, quality=92)
    Image.open(tmp_path / "x" / "a.jpg").save(save(tmp_path / "y" / "a.png", photo) / "a.png")
    (reduced,), (whole,) = (draws(domain(tmp_path / name), steps=1) for name in "xy")
    assert np.abs(reduced.pixels.astype(int) - whole.pixels).max() <= difference


def test_images_one_pixel_wide_can_be_used(domain, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 1, 3), dtype=np.uint8)
    (drawn,) = draws(domain(save(tmp_path / "x" / "a.png", pixels), new_size=64), steps=1)
    assert drawn.rejected == ()


def test_preparing_images_does_not_import_torch():
    program = "import sys, imgxlate.data.dataset, imgxlate.data.workers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
