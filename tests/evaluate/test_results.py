"""The files that other programs read, and saving them."""

import csv
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgxlate.errors import OutputError
from imgxlate.evaluate.results import FILES, image_measures


@pytest.fixture
def comparison(compared, tmp_path):
    return compared(tmp_path / "made")


@pytest.fixture
def saved(tmp_path):
    """Saves a comparison; gives the folder, the JSON document and the lines of the table."""

    def save(comparison, folder=tmp_path / "saved"):
        comparison.save(folder)
        with (folder / "metrics.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            lines = list(csv.DictReader(file))
        return folder, json.loads((folder / "metrics.json").read_text()), lines

    return save


def test_the_json_has_every_number_and_how_it_was_computed(comparison, saved):
    _, document, _ = saved(comparison)
    assert document["facts"] == dict(comparison.facts)
    assert document["measures"] == [dataclasses.asdict(measure) for measure in comparison.measures]
    assert {each["key"]: each["numbers"] for each in document["entrants"]} == {
        method.key: dict(method.numbers) for method in comparison.methods
    }
    images = [(row, image) for row in comparison.rows for image in row.images]
    assert [(row["input"], made["numbers"]) for row in document["rows"] for made in row["made"]] == [
        (str(row.input), dict(image.numbers)) for row, image in images
    ]


def test_images_are_named_relative_to_the_files_of_numbers(comparison, saved):
    folder, document, lines = saved(comparison)
    for made in [*(made for row in document["rows"] for made in row["made"]), *lines]:
        assert (folder / made["file"]).is_file()
        assert not Path(made["file"]).is_absolute()


def test_the_csv_has_a_line_for_each_image_with_its_numbers_to_the_bit(comparison, saved):
    _, _, lines = saved(comparison)
    images = [(row, image) for row in comparison.rows for image in row.images]
    for line, (row, image) in zip(lines, images, strict=True):
        assert (line["input"], line["entrant"], line["model"]) == (str(row.input), image.method, image.model)
        assert line["style"] == ("" if image.style is None else str(image.style))
        assert float(line["ssim"]) == image.numbers["ssim"]


def test_the_csv_has_a_column_for_each_measure_of_single_images(comparison, saved):
    _, _, lines = saved(comparison)
    assert list(lines[0]) == ["input", "entrant", "model", "style", "file", "ssim"]
    assert [measure.name for measure in image_measures(comparison)] == ["ssim"]


def with_first(comparison, numbers=None, **changes):
    """The comparison with another first row."""
    first, *others = comparison.rows
    if numbers:
        changes["images"] = tuple(dataclasses.replace(image, numbers=numbers) for image in first.images)
    return dataclasses.replace(comparison, rows=(dataclasses.replace(first, **changes), *others))


def test_a_missing_number_is_null_or_an_empty_field(comparison, saved):
    _, document, lines = saved(with_first(comparison, numbers={"ssim": None}))
    assert document["rows"][0]["made"][0]["numbers"] == {"ssim": None}
    assert lines[0]["ssim"] == ""


@pytest.mark.parametrize("name", ['a,b "c"\nd.png', "é.png", os.fsdecode(b"\xff.png")], ids=ascii)
def test_any_file_name_of_an_input_is_preserved(comparison, saved, name):
    odd = comparison.rows[0].input.rename(comparison.rows[0].input.with_name(name))
    _, document, lines = saved(with_first(comparison, input=odd))
    assert document["rows"][0]["input"] == lines[0]["input"] == str(odd)


def test_lines_end_as_rfc_4180_prescribes(comparison, saved):
    folder, _, _ = saved(comparison)
    data = (folder / "metrics.csv").read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") == 1 + sum(len(row.images) for row in comparison.rows)


def test_the_grid_is_saved_as_it_is(comparison, saved, pixels):
    grid = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    folder, _, _ = saved(dataclasses.replace(comparison, grid=grid))
    assert np.array_equal(pixels(folder / "grid.png"), np.asarray(grid))


def test_saving_elsewhere_copies_the_images_and_inputs_that_were_kept(compared, tmp_path, saved):
    comparison = compared(tmp_path / "made", names=("lake.png", "hut.png"))
    kept = comparison.rows[0].input.rename(tmp_path / "made" / "images" / "input-00.png")
    folder, document, _ = saved(with_first(comparison, input=kept))
    assert document["rows"][0]["input"] == str(folder / "images" / "input-00.png")
    assert document["rows"][1]["input"] == str(comparison.rows[1].input)
    found = sorted(path.name for path in (folder / "images").iterdir())
    assert found == sorted(path.name for path in (tmp_path / "made" / "images").iterdir())


def test_saving_where_the_images_are_copies_nothing(comparison):
    before = sorted(comparison.folder.rglob("*"))
    comparison.save(comparison.folder)
    assert sorted(comparison.folder.rglob("*")) == sorted([*before, *(comparison.folder / name for name in FILES)])


def test_existing_files_are_replaced_only_with_overwrite(comparison, tmp_path):
    comparison.save(tmp_path / "saved")
    with pytest.raises(OutputError, match=r"grid\.png \(and \d+ more\) already exists"):
        comparison.save(tmp_path / "saved")
    comparison.save(tmp_path / "saved", overwrite=True)


def test_saving_names_each_file_when_it_is_written(comparison, tmp_path):
    written = []
    comparison.save(tmp_path, on_file=lambda path: written.append((path.name, path.is_file())))
    assert written == [(name, True) for name in ("metrics.json", "metrics.csv", "grid.png", "report.html")]


def test_the_error_for_an_unwritable_file_names_it(comparison, tmp_path):
    (tmp_path / "metrics.csv").mkdir()
    with pytest.raises(OutputError, match=r"metrics\.csv"):
        comparison.save(tmp_path, overwrite=True)
