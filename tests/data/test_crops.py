import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imgxlate.data.config import DataConfig
from imgxlate.data.crops import is_flat, random_crop, resized, sufficient_side

sides = st.integers(1, 90)


def smooth(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(40, 216, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def whole(size, **options):
    """A configuration without randomness for images that are resized to `size`."""
    return DataConfig(crop_height=size[0], crop_width=size[1], flip=False, **options)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"resize": "shorter", "new_size": 30}, (30, 40)),
        ({"resize": "square", "new_size": 30}, (30, 30)),
        ({"resize": "width", "new_size": 30}, (22, 30)),
        ({"resize": "none"}, (60, 80)),
    ],
)
def test_each_way_to_resize_gives_its_size(options, size):
    assert resized((60, 80), DataConfig(crop_height=8, crop_width=8, **options)) == size


def test_images_smaller_than_the_crop_are_enlarged_in_proportion():
    config = DataConfig(resize="shorter", new_size=20, crop_height=50, crop_width=40)
    assert resized((20, 20), config) == (50, 50)
    assert resized((20, 60), config) == (50, 150)
    assert resized((70, 20), config) == (140, 40)


@given(sides, sides, st.sampled_from(["shorter", "square", "width", "none"]), sides, sides, sides)
def test_a_crop_of_any_image_has_the_configured_size(height, width, resize, new_size, crop_height, crop_width):
    config = DataConfig(resize=resize, new_size=new_size, crop_height=crop_height, crop_width=crop_width)
    crop = random_crop(smooth(height, width), config, np.random.default_rng(0))
    assert crop.shape == (crop_height, crop_width, 3)
    assert crop.dtype == np.uint8


@pytest.mark.parametrize(("interpolation", "resampling"), [("bilinear", 2), ("bicubic", 3)])
@pytest.mark.parametrize("size", [(60, 80), (20, 30), (64, 7), (1, 9)])
def test_without_chance_the_crop_is_the_resized_image(interpolation, resampling, size):
    image = smooth(*size)
    config = DataConfig(new_size=32, crop_height=1, crop_width=1, interpolation=interpolation)
    height, width = resized(size, config)
    crop = random_crop(image, whole((height, width), new_size=32, interpolation=interpolation), _rng())
    expected = np.asarray(Image.fromarray(image).resize((width, height), resampling))
    np.testing.assert_array_equal(crop, expected)


@given(st.integers(4, 90), st.integers(4, 90), st.integers(8, 70), st.integers(0, 50), st.booleans())
def test_a_crop_is_a_part_of_the_resized_image(height, width, new_size, seed, bicubic):
    interpolation = "bicubic" if bicubic else "bilinear"
    config = DataConfig(new_size=new_size, crop_height=8, crop_width=7, interpolation=interpolation)
    image = smooth(height, width, seed)
    crop = random_crop(image, config, np.random.default_rng(seed)).astype(int)
    rows, columns = resized((height, width), config)
    resampling = Image.Resampling[interpolation.upper()]
    channels = [Image.fromarray(channel.astype(np.float32)) for channel in np.moveaxis(image, 2, 0)]
    exact = np.stack([np.asarray(channel.resize((columns, rows), resampling)) for channel in channels]).clip(0, 255)
    parts = np.moveaxis(np.lib.stride_tricks.sliding_window_view(exact, (8, 7), axis=(1, 2)), 0, 2)  # (y, x, 3, 8, 7)
    errors = [
        np.abs(parts - candidate.transpose(2, 0, 1)).max(axis=(2, 3, 4)).min() for candidate in (crop, crop[:, ::-1])
    ]
    # Pillow rounds after each of two passes. Bicubic weights, whose absolute values add up to 1.4, amplify the first
    # rounding.
    assert min(errors) <= (1.2 if bicubic else 1) + 0.01


def test_crops_reach_every_position_and_half_of_them_are_mirrored():
    image = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6)[..., None].repeat(3, axis=2)
    config = DataConfig(resize="none", crop_height=4, crop_width=3)
    crops = [random_crop(image, config, np.random.default_rng(seed)) for seed in range(400)]
    assert len({crop[..., 0].tobytes() for crop in crops}) == 2 * 4 * 2
    mirrored = sum(int(crop[0, 0, 0]) > int(crop[0, 1, 0]) for crop in crops)
    assert 150 < mirrored < 250


def test_zoom_enlarges_images_by_any_factor_up_to_it():
    ramp = np.arange(64, dtype=np.uint8).repeat(3).reshape(1, 64, 3).repeat(64, axis=0)
    config = DataConfig(resize="none", crop_height=32, crop_width=32, flip=False, zoom=2.0)
    crops = [random_crop(ramp, config, np.random.default_rng(seed)).astype(int) for seed in range(60)]
    widths = [crop[0, -1, 0] - crop[0, 0, 0] for crop in crops]  # gray levels, of which the image has one a pixel
    assert all(crop.shape == (32, 32, 3) for crop in crops)
    assert min(widths) in range(14, 19)
    assert max(widths) in range(28, 33)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("crop", [(32, 32), (24, 40), (64, 9)])
@pytest.mark.parametrize("resize", ["shorter", "none"])
def test_a_rotated_crop_has_no_empty_corner(interpolation, crop, resize):
    white = np.full((64, 64, 3), 255, np.uint8)
    config = DataConfig(
        resize=resize,
        new_size=max(crop),
        crop_height=crop[0],
        crop_width=crop[1],
        rotate=180.0,
        interpolation=interpolation,
    )
    for seed in range(60):
        rotated = random_crop(white, config, np.random.default_rng(seed))
        assert rotated.shape == (*crop, 3)
        assert (rotated == 255).all()


def test_rotation_turns_images_by_any_angle_up_to_it_in_both_directions():
    rows, columns = np.mgrid[:200, :200]
    ramps = np.stack([rows, columns, rows], axis=2).astype(np.uint8)  # the gradients show the axes
    config = DataConfig(resize="none", crop_height=40, crop_width=40, flip=False, rotate=20.0)
    angles = []
    for seed in range(80):
        crop = random_crop(ramps, config, np.random.default_rng(seed)).astype(float)
        down, right = crop[-1, 20, 0] - crop[0, 20, 0], crop[20, -1, 0] - crop[20, 0, 0]
        assert np.hypot(down, right) == pytest.approx(39, abs=1.5)  # The scale stays: the image is large enough.
        angles.append(np.degrees(np.arctan2(right, down)))
    assert -21 < min(angles) < -15
    assert 15 < max(angles) < 21
    assert abs(np.mean(angles)) < 4


def test_without_rotation_and_colors_a_crop_draws_its_place_and_side_alone():
    config = DataConfig(resize="none", crop_height=8, crop_width=8)
    drawn, expected = np.random.default_rng(3), np.random.default_rng(3)
    random_crop(smooth(20, 30), config, drawn)
    for count in (13, 23, 2):
        expected.integers(count)
    assert drawn.bit_generator.state == expected.bit_generator.state


def test_crops_have_changed_colors_if_the_configuration_says_so():
    options = {"resize": "none", "crop_height": 8, "crop_width": 8}
    plain, changed = (
        random_crop(smooth(20, 30), DataConfig(**options, brightness=strength), np.random.default_rng(3)).astype(int)
        for strength in (0.0, 0.15)
    )
    factor = changed.sum() / plain.sum()
    assert 0.85 <= factor <= 1.15
    assert abs(changed - (plain * factor)).max() <= 1.5
    assert abs(factor - 1) > 0.01


def test_without_flip_nothing_is_mirrored():
    image = np.arange(30, dtype=np.uint8).reshape(5, 6)[..., None].repeat(3, axis=2)
    config = DataConfig(resize="none", crop_height=4, crop_width=3, flip=False)
    for seed in range(20):
        crop = random_crop(image, config, np.random.default_rng(seed))
        assert crop[0, 0, 0] < crop[0, 1, 0]


def test_a_strip_is_not_enlarged_as_a_whole():
    strip = np.random.default_rng(0).integers(0, 256, (1, 2_000_000, 3), dtype=np.uint8)
    config = DataConfig(new_size=256, crop_height=256, crop_width=256)
    assert random_crop(strip, config, _rng()).shape == (256, 256, 3)


@pytest.mark.parametrize("size", [(3000, 4000), (4000, 3000), (2000, 6000), (5000, 5000)])
@pytest.mark.parametrize("resize", ["shorter", "square", "width"])
@pytest.mark.parametrize(("new_size", "crop"), [(256, (256, 256)), (256, (64, 512)), (286, (400, 100))])
@pytest.mark.parametrize(("zoom", "rotate"), [(1.0, 0.0), (1.5, 0.0), (1.0, 45.0)])
def test_a_sufficient_image_is_shrunk_by_two_at_least(size, resize, new_size, crop, zoom, rotate):
    config = DataConfig(
        resize=resize, new_size=new_size, crop_height=crop[0], crop_width=crop[1], zoom=zoom, rotate=rotate
    )
    scale = sufficient_side(config) / min(size)
    for side, new in zip(size, resized(size, config), strict=True):
        assert side * scale >= 2 * zoom * new * 0.99  # Sizes are rounded.


def test_images_that_are_not_resized_have_no_sufficient_size():
    assert sufficient_side(DataConfig(resize="none")) is None


def test_pixels_of_nearly_one_color_are_flat():
    image = np.full((5, 5, 3), (10, 100, 250), np.uint8)
    assert is_flat(image)
    image[2, 2, 1] += 2
    assert is_flat(image)
    image[2, 2, 1] += 1
    assert not is_flat(image)


def _rng():
    return np.random.default_rng(0)
