"""Samples: when they are drawn, which images they show, and the layout of the sheet."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate.data.config import DataConfig
from imgxlate.images.decode import decode
from imgxlate.images.grids import contact_sheet
from imgxlate.inference import style_codes
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.loading import ModelFile, load_model
from imgxlate.methods import registry
from imgxlate.training import run_model, samples
from imgxlate.training.run_folder import RunFolder

CPU = torch.device("cpu")
SMALL = DataConfig(new_size=24, crop_height=20, crop_width=16)


@pytest.fixture
def model(generators):
    def build(method):
        return run_model.build_model(*generators(method), CPU, Arithmetic())

    return build


@pytest.fixture
def loaded(photo):
    """Two test images of A and one of B."""
    a = [photo(f"a{n}.png", size=(30, 40), seed=n) for n in range(2)]
    return samples.load(a, [photo("b.png", size=(50, 20), seed=9)], 4, SMALL, seed=0)


def same(one, other):
    return np.array_equal(one.rgb, other.rgb)


def on_sheet(monkeypatch, loaded, model, step=1):
    """Draw a sheet and return the arguments of its layout."""
    seen = {}

    def keep(rows, **labels):
        seen.update(rows=rows, **labels)
        return contact_sheet(rows, **labels)

    monkeypatch.setattr(samples, "contact_sheet", keep)
    loaded.draw(model, step)
    return seen


def test_samples_are_frequent_at_first_and_then_drawn_at_each_multiple():
    assert [step for step in range(2501) if samples.is_due(step, 700)] == [
        *(1, 2, 5, 10, 20, 50, 100, 200, 500, 700, 1000, 1400, 2000, 2100)
    ]
    assert [step for step in range(30) if samples.is_due(step, 0)] == [1, 2, 5, 10, 20]


def test_images_are_not_cropped_and_have_the_size_of_the_training_images(loaded):
    assert [image.size for image in loaded.images["A"]] == [(16, 21), (16, 21)]
    assert [image.size for image in loaded.images["B"]] == [(40, 16)]


@pytest.mark.parametrize(("resize", "side"), [("shorter", 10), ("none", 16)])
def test_the_size_is_the_smaller_of_resize_and_crop(photo, resize, side):
    data = DataConfig(resize=resize, new_size=10, crop_height=20, crop_width=16)
    found = samples.load([photo(size=(30, 30))], [], 1, data, seed=0)
    assert found.images["A"][0].size == (side, side)


def test_if_training_does_not_scale_images_the_middle_of_a_test_image_is_taken_as_it_is(photo):
    data = DataConfig(resize="none", crop_height=20, crop_width=16)
    file = photo(size=(60, 90))
    found = samples.load([file], [], 1, data, seed=0)
    assert np.array_equal(found.images["A"][0].rgb, decode(file).rgb[22:38, 33:57])


def test_unreadable_files_are_rejected_and_the_next_ones_taken(photo, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no image")
    files = [tmp_path / "bad.png", *(photo(f"{n}.png", seed=n) for n in range(3))]
    found = samples.load(files, files[:1], 2, SMALL, seed=0)
    assert [len(found.images[domain]) for domain in ("A", "B")] == [2, 0]
    assert [rejected.path for rejected in found.rejected] == [tmp_path / "bad.png"] * 2
    assert all(rejected.reason for rejected in found.rejected)
    again = samples.load(files[1:], [], 2, SMALL, seed=0)
    assert all(map(same, found.images["A"], again.images["A"]))


def test_a_row_of_munit_shows_sampled_styles_a_style_image_and_the_way_back(model, loaded, monkeypatch):
    munit = model("munit")
    sheet = on_sheet(monkeypatch, loaded, munit, step=20)
    assert sheet["row_headers"] == ["to winter", "to winter", "to summer"]
    assert sheet["column_headers"] == ["input", *(f"style 0{n}" for n in range(4)), "style of", "gives", "and back"]
    assert sheet["title"] == "munit, step 20"
    assert all(len(row) == 8 for row in sheet["rows"])
    image, *outputs, guide, _, _ = sheet["rows"][1]
    assert same(image, loaded.images["A"][1])
    assert same(guide, loaded.images["B"][0])
    codes = torch.tensor(style_codes.sample(4, munit.translator.style_dim, 0).codes)
    assert all(map(same, outputs, munit.translate_array(image, "B", codes)))
    assert not same(outputs[0], outputs[1])


def test_the_guided_column_has_the_style_of_its_style_image(model, loaded, monkeypatch):
    munit = model("munit")
    image, *_, guide, guided, _ = on_sheet(monkeypatch, loaded, munit)["rows"][0]
    code = munit.encode_array(guide, "B")
    assert same(guided, next(munit.translate_array(image, "B", code)))


def test_a_row_of_unit_shows_one_output_and_the_way_back(model, loaded, monkeypatch):
    unit = model("unit")
    sheet = on_sheet(monkeypatch, loaded, unit)
    assert sheet["column_headers"] == ["input", "output", "and back"]
    image, output, back = sheet["rows"][2]
    assert same(output, next(unit.translate_array(image, "A")))
    assert same(back, next(unit.translate_array(output, "B")))


def test_a_model_of_one_direction_has_rows_of_that_direction_only(golden, tmp_path, loaded, monkeypatch):
    file = shutil.copy(golden / "cyclegan" / "latest_net_G_A.pth", tmp_path)
    file = ModelFile("mine", Path(file), domains=("summer", "winter"))
    sheet = on_sheet(monkeypatch, loaded, load_model(registry.find("cyclegan"), file, CPU, Arithmetic()))
    assert sheet["row_headers"] == ["to winter", "to winter"]
    assert sheet["column_headers"] == ["input", "output"]


def test_without_images_of_the_other_domain_there_is_no_guided_style(photo, model, monkeypatch):
    found = samples.load([photo()], [], 4, SMALL, seed=0)
    (row,) = on_sheet(monkeypatch, found, model("munit"))["rows"]
    assert [image is None for image in row] == [False] * 5 + [True, True, False]


def test_without_images_there_is_no_sheet(model):
    assert samples.load([], [], 4, SMALL, seed=0).draw(model("unit"), 1) is None


def test_the_same_weights_give_the_same_sheet_and_the_latest_one_is_a_copy(model, loaded, tmp_path):
    run, munit = RunFolder(tmp_path / "run"), model("munit")
    path = samples.write(run, 5, loaded.draw(munit, 5))
    assert path == run.sample_at(5)
    assert path.read_bytes() == run.latest_sample.read_bytes()
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), loaded.draw(munit, 5).rgb)
    samples.write(run, 10, loaded.draw(munit, 10))
    assert run.latest_sample.read_bytes() == run.sample_at(10).read_bytes() != path.read_bytes()
