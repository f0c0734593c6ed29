"""The formats of training images: read off the files, or stated."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from imgxlate.data import folders
from imgxlate.errors import UsageError
from imgxlate.images.value_files import save_values
from imgxlate.methods import registry
from imgxlate.training import image_formats, recipes

RNG = np.random.default_rng(0)


@pytest.fixture
def settle(tmp_path):
    """The settled configuration for images that are drawn by a function for each domain, and the notes."""

    def settled(draw_a, draw_b, *assignments, method="cyclegan", resumed=False, start=None, channels=3):
        for name, draw in (("a_images", draw_a), ("b_images", draw_b)):
            (tmp_path / name).mkdir()
            for index in range(4):
                draw(tmp_path / name, index)
        recipe = recipes.resolve(registry.find(method), preset="tiny", assignments=assignments)
        gen = dataclasses.replace(recipe.config.gen, channels_a=channels) if channels != 3 else recipe.config.gen
        recipe = dataclasses.replace(recipe, start=start, config=dataclasses.replace(recipe.config, gen=gen))
        found = folders.find(tmp_path / "a_images", tmp_path / "b_images")
        notes = []
        return image_formats.settle(recipe, found, resumed=resumed, notify=notes.append).config, notes

    return settled


def photo(folder, index):
    Image.fromarray(RNG.integers(0, 255, (20, 20, 3), np.uint8)).save(folder / f"{index}.png")


def gray(folder, index):
    Image.fromarray(RNG.integers(0, 255, (20, 20), np.uint8)).save(folder / f"{index}.jpg")


def sixteen(folder, index, top=65535):
    save_values(RNG.integers(0, top, (20, 20, 1)).astype(np.uint16), folder / f"{index}.png")


def twelve(folder, index):
    sixteen(folder, index, 4095)


def floats(folder, index):
    save_values(RNG.uniform(-1000, 2000, (20, 20, 1)).astype(np.float32), folder / f"{index}.tif")


def bands(folder, index):
    save_values(RNG.integers(0, 255, (20, 20, 5)).astype(np.uint8), folder / f"{index}.tif")


def test_photos_leave_the_configuration_as_it_is(settle):
    config, notes = settle(photo, photo)
    assert config == registry.find("cyclegan").training.presets["tiny"]
    assert not notes


def test_channels_range_and_type_are_read_off_the_images(settle):
    config, notes = settle(sixteen, bands, "lambda_identity=0")
    assert str(config.data.format("A")) == "1 channel of uint16 from 0 to 65535"
    assert str(config.data.format("B")) == "5 channels of uint8 from 0 to 255"
    assert (config.gen.channels_a, config.gen.channels_b) == (1, 5)
    assert "in gray" in notes[0]
    assert "by its channels 0, 1, 2" in notes[1]


def test_gray_images_have_one_channel_and_photos_stay_in_color(settle):
    config, _ = settle(gray, photo)
    assert (config.gen.channels_a, config.gen.channels_b) == (1, 3)
    assert config.data.format("B").is_color


def test_gray_images_beside_photos_are_in_color(settle):
    config, _ = settle(lambda folder, index: (gray if index % 2 else photo)(folder, index), photo)
    assert config.data.format("A").is_color


def test_gray_images_are_in_color_if_that_is_stated(settle):
    config, _ = settle(gray, photo, "data.channels_a=3")
    assert config.data.format("A").is_color
    assert config.gen.channels_a == 3


def test_a_run_from_a_model_in_color_keeps_its_channels(settle):
    assert settle(gray, photo, start="munit-summer2winter")[0].gen.channels_a == 3


def test_a_run_from_a_gray_model_takes_photos(settle):
    assert settle(photo, photo, start="runs/gray", channels=1)[0].gen.channels_a == 3


def test_channels_of_generators_that_the_images_do_not_have_are_refused(settle):
    with pytest.raises(UsageError, match=r"--set: gen\.channels_a is 1, but images of A have 3") as caught:
        settle(photo, photo, "gen.channels_a=1")
    assert "data.channels_a=1" in caught.value.hint


def test_a_resumed_run_keeps_its_formats(settle):
    assert settle(gray, gray, resumed=True)[0].gen.channels_a == 3


def test_twelve_bits_in_sixteen_are_noticed(settle):
    _, notes = settle(twelve, photo)
    assert "values of A reach 409" in notes[0]
    assert "data.range_a=[" in notes[0]


def test_floats_need_a_range_and_the_error_proposes_one(settle):
    with pytest.raises(UsageError, match="range of the values of A, float32, is unknown") as caught:
        settle(floats, photo)
    assert "--set 'data.range_a=[-9" in caught.value.hint
    assert "percentiles_a=true" in caught.value.hint


def test_a_stated_range_is_kept_and_values_outside_are_counted(settle):
    config, notes = settle(floats, photo, "data.range_a=[-1000, 1000]")
    assert config.data.format("A").range == (-1000, 1000)
    assert any("of A are outside of -1000 to 1000, and are clipped" in note for note in notes)


def test_percentiles_give_outputs_the_mean_range_of_the_images(settle):
    config, _ = settle(floats, photo, "data.percentiles_a=true")
    low, high = config.data.format("A").range
    assert -1000 < low < -900
    assert 1900 < high < 2000


def test_images_of_several_kinds_are_refused(settle):
    with pytest.raises(UsageError, match="3 have 1 x uint16, 1 have 5 x uint8"):
        settle(lambda folder, index: (bands if index == 3 else twelve)(folder, index), photo)


@pytest.mark.parametrize("other", [photo, gray])
def test_gray_images_of_sixteen_bits_among_others_are_read_in_color(settle, other):
    config, _ = settle(lambda folder, index: (other if index == 3 else sixteen)(folder, index), photo)
    assert config.data.format("A").is_color


def test_the_channels_in_false_colors_are_chosen(settle):
    config, notes = settle(bands, photo, "data.shown_a=[3, 2, 1]", "lambda_identity=0")
    assert config.data.format("A").shown == (3, 2, 1)
    assert "by its channels 3, 2, 1" in notes[0]


def test_channels_in_false_colors_that_the_images_lack_are_refused(settle):
    with pytest.raises(UsageError, match="images of A have 5 channels") as caught:
        settle(bands, photo, "data.shown_a=[5, 2, 1]")
    assert "the last one is 4" in caught.value.hint


def test_changes_of_colors_are_refused(settle):
    with pytest.raises(UsageError, match=r"data\.hue changes images in color, but those of A are not"):
        settle(sixteen, photo, "data.hue=10")
