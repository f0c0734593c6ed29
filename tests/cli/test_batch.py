"""What a command checks of all its files before any work, and what it leaves if it ends early."""

import json
from pathlib import Path

import numpy as np
import pytest

from imgxlate import checkpoint, paths
from imgxlate.images.pixel_format import PixelFormat
from imgxlate.images.value_files import read_values, save_values

PAINT = ("--size", 32, "--scales", 1, "--iterations", 2, "--style", "style.png")


@pytest.fixture
def inside(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a.png", "b.png", "style.png")):
        photo(name, seed=seed, size=(40, 48))
    return tmp_path


def said(result):
    return " ".join(result.stderr.split())


# Records beside outputs that are no PNG files.

RECORDED = ("translate", "unit", "a.png", "b.png", "-o", "out/", "--format", "jpg", "--record")


def test_a_record_that_exists_beside_an_output_in_a_folder_is_kept(run, inside):
    record = Path("out/a.unit.jpg.json")
    record.parent.mkdir()
    record.write_text("mine")
    for options in ((), ("--skip-existing",)):
        result = run(*RECORDED, *options)
        assert (result.exit_code, "a.unit.jpg.json already exists" in said(result)) == (9, True), result.stderr
        assert [path.name for path in record.parent.iterdir()] == [record.name]
        assert record.read_text() == "mine"
    assert run(*RECORDED, "--overwrite").exit_code == 0
    assert json.loads(record.read_text())["method"] == "unit"


def test_an_image_is_skipped_with_its_record(run, inside):
    assert run(*RECORDED).exit_code == 0
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert len(before) == 4
    Path("out/b.unit.jpg").unlink()
    Path("out/b.unit.jpg.json").unlink()
    assert run(*RECORDED, "--skip-existing").exit_code == 0
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


def test_the_codes_do_not_replace_a_record(run, inside):
    options = ("--format", "jpg", "--record", "--save-styles", "out/a.munit.jpg.json")
    result = run("translate", "munit", "a.png", "-o", "out/", *options)
    assert (result.exit_code, "would be the same file" in said(result)) == (2, True), result.stderr


def test_an_image_that_cannot_be_written_leaves_the_old_one_with_its_record(run, inside, monkeypatch):
    assert run(*RECORDED).exit_code == 0
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    monkeypatch.setattr("imgxlate.images.encode._LONGEST_SIDE", {"JPEG": 8})
    result = run(*RECORDED, "--seed", 1, "--overwrite")
    assert (result.exit_code, "cannot be written as JPEG" in said(result)) == (4, True), result.stderr
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


# The folders of --save-every.

STEPS = ("neural-style", "a.png", "b.png", *PAINT, "--save-every", 1, "-o", "out/")


def test_the_steps_of_all_outputs_are_looked_for_before_anything_is_painted(run, inside):
    old = Path("out/b.neural-style.steps/00001.png")
    old.parent.mkdir(parents=True)
    old.write_bytes(b"mine")
    result = run(*STEPS)
    assert (result.exit_code, "b.neural-style.steps already exists" in said(result)) == (9, True), result.stderr
    assert [path.name for path in Path("out").iterdir()] == ["b.neural-style.steps"]


def test_a_file_in_place_of_a_steps_folder_is_found_before_anything_is_painted(run, inside):
    Path("out").mkdir()
    Path("out/b.neural-style.steps").write_bytes(b"mine")
    for options in ((), ("--skip-existing",), ("--overwrite",)):
        result = run(*STEPS, *options)
        assert (result.exit_code, "b.neural-style.steps is not a folder" in said(result)) == (9, True), result.stderr
        assert [path.name for path in Path("out").iterdir()] == ["b.neural-style.steps"]


def test_existing_steps_are_kept_or_replaced_as_a_whole(run, inside):
    folder = Path("out/b.neural-style.steps")
    folder.mkdir(parents=True)
    for name in ("00001.png", "00009.png", "notes.txt"):
        (folder / name).write_bytes(b"mine")
    assert run(*STEPS, "--skip-existing").exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["00001.png", "00002.png", "00009.png", "notes.txt"]
    assert (folder / "00001.png").read_bytes() == b"mine"
    assert run(*STEPS, "--overwrite").exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["00001.png", "00002.png", "notes.txt"]
    assert (folder / "00001.png").read_bytes() != b"mine"
    assert (folder / "notes.txt").read_bytes() == b"mine"


# Arrays.


@pytest.mark.parametrize("fast", [(), ("--fast",)], ids=["optimized", "fast"])
def test_a_painting_is_no_array(run, inside, adain, fast):
    options = PAINT if not fast else ("--fast", "--checkpoint", adain, "--style", "style.png")
    result = run("neural-style", "a.png", *options, "-o", "out.npy")
    assert (result.exit_code, "out.npy: cannot write .npy" in said(result)) == (2, True), result.stderr
    assert "painting" not in result.stderr


def test_only_models_of_values_write_arrays(run, inside):
    result = run("translate", "unit", "a.png", "-o", "out.npy")
    assert (result.exit_code, "out.npy: cannot write .npy" in said(result)) == (2, True), result.stderr


# Models of images that are not in color.


@pytest.fixture
def values_model(inside):
    """The bundled model of UNIT, as one for images of 3 channels of float32."""
    bundled = checkpoint.read(paths.assets_dir() / "unit-summer2winter.safetensors")
    values = PixelFormat(3, range=(0, 1), type="float32").to_header()
    checkpoint.write(
        inside / "model.safetensors", bundled.tensors, {**bundled.header, "images": {"A": values, "B": values}}
    )
    save_values(np.full((40, 48, 3), 0.5, np.float32), inside / "v.tif")
    return "model.safetensors"


def test_a_file_that_a_model_of_values_does_not_write_is_no_output(run, values_model):
    Path("v.unit.png").write_bytes(b"mine")
    for options, rest in (((), []), (("--skip-existing",), ["nothing to do: every output exists already"])):
        result = run("translate", "unit", "v.tif", "--checkpoint", values_model, *options)
        assert result.exit_code == 0, result.stderr
        assert read_values(Path("v.unit.tif")).dtype == np.float32
        assert result.stderr.splitlines()[-1:] == (rest or ["v.unit.tif"])
    assert Path("v.unit.png").read_bytes() == b"mine"


def test_missing_outputs_of_a_model_of_values_are_made(run, values_model):
    Path("v.unit.png").write_bytes(b"mine")
    result = run("translate", "unit", "v.tif", "--checkpoint", values_model, "--skip-existing")
    assert (result.exit_code, Path("v.unit.tif").exists()) == (0, True), result.stderr


def test_the_names_of_a_models_of_values_are_known_by_its_own_name_too(run, values_model):
    assert run("weights", "import", "mine", values_model, "--method", "unit").exit_code == 0
    Path("v.unit.png").write_bytes(b"mine")
    assert run("translate", "unit", "v.tif", "--model", "mine").exit_code == 0
    again = run("translate", "unit", "v.tif", "--model", "mine")
    assert (again.exit_code, "v.unit.tif already exists" in said(again)) == (9, True), again.stderr


# Standard input.


@pytest.mark.parametrize("fast", [(), ("--fast",)], ids=["optimized", "fast"])
@pytest.mark.parametrize("arguments", [("-", "-"), ("a.png", "-", "--style", "-"), ("-", "--style", "-")])
def test_standard_input_is_read_only_once_over_all_images(run, inside, adain, arguments, fast):
    options = (*fast, "--checkpoint", adain) if fast else ()
    result = run("neural-style", *arguments, *options, stdin=Path("a.png").read_bytes())
    assert (result.exit_code, "standard input (-) can be read only once" in said(result)) == (2, True), result.stderr
    assert "painting" not in result.stderr
