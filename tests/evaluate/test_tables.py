"""What other programs read of a comparison."""

import csv
import dataclasses
import json
import os
from pathlib import Path

import pytest

from imgxlate.errors import OutputError
from imgxlate.evaluate import tables


@pytest.fixture
def comparison(compared, tmp_path):
    return compared(tmp_path)


def rows_of(path):
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def test_the_json_has_every_number_and_how_it_was_taken(comparison, tmp_path):
    tables.write_json(comparison, tmp_path / "metrics.json")
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["facts"] == dict(comparison.facts)
    assert found["measures"] == [dataclasses.asdict(measure) for measure in comparison.measures]
    assert {each["key"]: each["numbers"] for each in found["entrants"]} == {
        each.key: dict(each.numbers) for each in comparison.entrants
    }
    made = [(row, made) for row in comparison.rows for made in row.made]
    assert [(row["input"], made["numbers"]) for row in found["rows"] for made in row["made"]] == [
        (str(row.input), dict(made.numbers)) for row, made in made
    ]


def test_pictures_are_named_as_seen_from_the_tables(comparison, tmp_path):
    folder = tmp_path / "made"
    tables.write_json(comparison, folder / "metrics.json")
    tables.write_csv(comparison, folder / "metrics.csv")
    document = json.loads((folder / "metrics.json").read_text())
    for made in [*(made for row in document["rows"] for made in row["made"]), *rows_of(folder / "metrics.csv")]:
        assert (folder / made["file"]).is_file()
        assert not Path(made["file"]).is_absolute()


def test_the_csv_has_a_row_a_picture_with_its_numbers_to_the_bit(comparison, tmp_path):
    tables.write_csv(comparison, tmp_path / "metrics.csv")
    made = [(row, made) for row in comparison.rows for made in row.made]
    models = {entrant.key: entrant.model for entrant in comparison.entrants}
    for line, (row, picture) in zip(rows_of(tmp_path / "metrics.csv"), made, strict=True):
        assert (line["input"], line["entrant"]) == (str(row.input), picture.entrant)
        assert line["model"] == models[picture.entrant]
        assert line["style"] == ("" if picture.style is None else str(picture.style))
        assert float(line["ssim"]) == picture.numbers["ssim"]


def test_the_csv_has_a_column_for_each_measure_of_single_pictures(comparison, tmp_path):
    tables.write_csv(comparison, tmp_path / "metrics.csv")
    assert list(rows_of(tmp_path / "metrics.csv")[0]) == ["input", "entrant", "model", "style", "file", "ssim"]
    assert [measure.name for measure in tables.single_measures(comparison)] == ["ssim"]


def with_first(comparison, **changes):
    """The comparison with another first row."""
    first, *others = comparison.rows
    made = tuple(dataclasses.replace(made, **changes.pop("made", {})) for made in first.made)
    return dataclasses.replace(comparison, rows=(dataclasses.replace(first, made=made, **changes), *others))


def test_what_could_not_be_taken_is_null_or_an_empty_field(comparison, tmp_path):
    lacking = with_first(comparison, made={"numbers": {"ssim": None}})
    tables.write_json(lacking, tmp_path / "metrics.json")
    tables.write_csv(lacking, tmp_path / "metrics.csv")
    assert json.loads((tmp_path / "metrics.json").read_text())["rows"][0]["made"][0]["numbers"] == {"ssim": None}
    assert rows_of(tmp_path / "metrics.csv")[0]["ssim"] == ""


@pytest.mark.parametrize("name", ['a,b "c"\nd.png', "é.png", os.fsdecode(b"\xff.png")], ids=ascii)
def test_any_name_of_an_input_survives(comparison, tmp_path, name):
    odd = with_first(comparison, input=tmp_path / name)
    tables.write_json(odd, tmp_path / "metrics.json")
    tables.write_csv(odd, tmp_path / "metrics.csv")
    assert json.loads((tmp_path / "metrics.json").read_text())["rows"][0]["input"] == str(tmp_path / name)
    assert rows_of(tmp_path / "metrics.csv")[0]["input"] == str(tmp_path / name)


def test_lines_end_as_rfc_4180_has_it(comparison, tmp_path):
    tables.write_csv(comparison, tmp_path / "metrics.csv")
    data = (tmp_path / "metrics.csv").read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") == 1 + sum(len(row.made) for row in comparison.rows)


def test_a_table_that_cannot_be_written_is_named(comparison, tmp_path):
    (tmp_path / "metrics.csv").mkdir()
    with pytest.raises(OutputError, match=r"metrics\.csv"):
        tables.write_csv(comparison, tmp_path / "metrics.csv")
